"""Distances between distributions, and what of them is no noise."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.distance import jensenshannon

from evergreen.monitoring.statistics import Feature, distance, missing, of_batch

LEVEL = 0.01


def of(values: object) -> Feature:
    return of_batch(pa.table({"x": values}))["x"]


def normal(size: int, seed: int, shift: float = 0.0) -> Feature:
    return of(np.random.default_rng(seed).normal(shift, 1, size))


def test_the_divergence_of_numbers_is_that_over_the_deciles_of_before() -> None:
    before = np.random.default_rng(1).lognormal(0, 1, 20_000)
    after = before * 1.6
    edges = np.quantile(before, np.linspace(0.1, 0.9, 9))
    counts = [np.bincount(np.searchsorted(edges, one), minlength=10) for one in (before, after)]
    found = distance([of(before)], [of(after)], LEVEL)
    assert found.value == pytest.approx(jensenshannon(*counts, base=2) ** 2, rel=0.15)
    assert 0 < found.least < found.value


def test_parts_are_taken_together() -> None:
    values = np.random.default_rng(2).normal(size=(4, 5000))
    parts = [of(one) for one in values]
    found = distance(parts, [of(values.ravel())], LEVEL)
    assert found.value < 0.001


def test_noise_is_taken_off() -> None:
    surely = [
        distance([normal(1000, seed)], [normal(300, 1000 + seed)], LEVEL).least > 0
        for seed in range(200)
    ]
    assert np.mean(surely) < 0.05


def test_the_value_whose_share_changed_most_is_named() -> None:
    before, after = of(["Cash"] * 600 + ["Card"] * 400), of(["Cash"] * 300 + ["Card"] * 700)
    found = distance([before], [after], LEVEL)
    assert found.value == pytest.approx(0.3)
    assert 0.2 < found.least < 0.3
    assert found.detail in ("Cash went from 60.0% to 30.0%", "Card went from 40.0% to 70.0%")


def test_missing_values_are_seen() -> None:
    before, after = (
        of(pa.array(["A"] * 900 + [None] * 100)),
        of(pa.array(["A"] * 500 + [None] * 500)),
    )
    found = missing([before], [after], LEVEL)
    assert found.value == pytest.approx(0.4)
    assert found.least > 0.3
    assert found.detail == "missing went from 10.0% to 50.0% of rows"


def test_a_feature_of_another_kind_has_no_distance() -> None:
    assert distance([of(["A"] * 100)], [of(np.arange(100))], LEVEL) is None


def test_a_feature_that_has_one_value_has_a_distance() -> None:
    assert distance([of(np.zeros(100))], [of(np.zeros(100))], LEVEL).value == 0
    assert distance([of(np.zeros(100))], [of(np.ones(100))], LEVEL).value > 0.9
