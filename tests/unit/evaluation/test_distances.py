"""Distances tell what moved from what is chance."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.evaluation.distances import Distance, distances
from evergreen.monitoring.statistics import Statistics
from evergreen.quality.statistics import Feature, features
from tests.unit.evaluation import shifted

LEVEL = 0.99


def of(*batches: list[object]) -> dict[str, Feature]:
    statistics = Statistics()
    for values in batches:
        column = pa.array(values)
        kind = pa.binary() if pa.types.is_string(column.type) else column.type
        kind = pa.float32() if pa.types.is_floating(kind) else kind
        statistics.add({"x": column.cast(kind)})
    return features(statistics.result().datasets[0])


def between(before: list[object], now: list[object]) -> Distance:
    return distances([of(before)], of(now), LEVEL)["x"]


def normal(rows: int, seed: int, mean: float = 0.0) -> list[object]:
    return np.random.default_rng(seed).normal(mean, 1, rows).tolist()


def test_a_shift_has_the_divergence_that_theory_gives() -> None:
    """0.8 standard deviations: 0.106 bits, by numeric integration; bins lose some."""
    found = between(normal(20_000, 1), normal(20_000, 2, 0.8))
    assert found.value == pytest.approx(0.1, abs=0.01)
    low, high = found.interval
    assert low < 0.1 < high


@pytest.mark.parametrize("rows", [200, 2000])
def test_chance_alone_is_within_the_noise(rows: int) -> None:
    beyond = [
        between(normal(rows, seed), normal(rows, seed + 1000)).interval[0] > 0 for seed in range(40)
    ]
    assert sum(beyond) <= 2


def test_one_extreme_value_hides_nothing() -> None:
    miles = np.random.default_rng(1).lognormal(0.8, 0.9, 4000)
    before = [*miles.tolist(), 1710.0]
    now = [*(1.609 * np.random.default_rng(2).lognormal(0.8, 0.9, 4000)).tolist(), 1710.0]
    usual = [*np.random.default_rng(3).lognormal(0.8, 0.9, 4000).tolist(), 12.0]
    assert between(before, now).value > 10 * between(before, usual).value


def test_whole_numbers_with_few_values_are_compared_value_by_value() -> None:
    hours = np.random.default_rng(1).integers(0, 24, 4000)
    assert between(hours.tolist(), np.roll(hours, 5).tolist()).value < 1e-6
    evening = np.random.default_rng(2).integers(18, 24, 4000)
    assert between(hours.tolist(), evening.tolist()).value > 0.3


def test_a_frequent_value_keeps_its_place() -> None:
    """No part of it counts as a value between it and the one before."""
    apart = []
    for seed in range(10):
        draw = np.random.default_rng(seed)
        often = np.where(draw.random((2, 3000)) < 0.4, 5, draw.normal(5, 3, (2, 3000)))
        apart.append(between(often[0].tolist(), often[1].tolist()).value)
    assert max(apart) < 0.003


def test_text_moves_by_its_largest_change() -> None:
    found = between(["a"] * 60 + ["b"] * 40, ["a"] * 30 + ["b"] * 40 + ["c"] * 30)
    assert found.is_text
    assert found.value == pytest.approx(0.3)
    assert "went from" in found.detail


def test_values_that_go_missing_are_a_move_of_numbers_and_of_text() -> None:
    numbers = normal(1000, 1)
    assert between(numbers, [*numbers[:500], *[None] * 500]).value > 0.1
    assert between(["a"] * 100, ["a"] * 50 + [None] * 50).value == pytest.approx(0.5)
    assert between(["a"] * 100, ["a"] * 50 + [None] * 50).detail.startswith(("a ", "(missing)"))


def test_several_data_sets_are_taken_together() -> None:
    parts = [of(normal(5000, 1, -1.0)), of(normal(5000, 2, 1.0))]
    both = normal(5000, 3, -1.0) + normal(5000, 4, 1.0)
    assert distances(parts, of(both), LEVEL)["x"].value < 0.01
    assert distances(parts, of(normal(5000, 5, 1.0)), LEVEL)["x"].value > 0.1


def test_statistics_do_not_depend_on_how_rows_come_in_batches() -> None:
    values = normal(4000, 1)
    batches = [values[at : at + 500] for at in range(0, 4000, 500)]
    assert distances([of(values)], of(*batches), LEVEL)["x"].value < 1e-3


def test_features_that_one_side_lacks_have_no_distance() -> None:
    assert not distances([of(normal(10, 1))], of(["a", "b"]), LEVEL)
    assert not distances([{}], of(["a", "b"]), LEVEL)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_no_value(odd: float) -> None:
    usual = normal(1000, 1)
    assert distances([of([odd] * 500)], of(usual), LEVEL) == {}
    gone = between(usual, [odd] * 1000)
    assert gone.value == pytest.approx(1)
    assert gone.detail.startswith("no value at all")
    half = between(usual, [*normal(500, 2), *[odd] * 500])
    missing = between(usual, [*normal(500, 2), *[None] * 500])
    assert half.value == pytest.approx(missing.value, abs=0.01)
    assert np.isfinite([half.value, *half.interval]).all()


@pytest.mark.parametrize("rows", [3, 7, 199, 201, 333, 2999])
def test_shares_of_rows_are_rounded_to_rows(rows: int) -> None:
    found = between(normal(rows, 1), normal(rows + 1, 2))
    assert 0 <= found.value <= 1
    assert np.isfinite(found.interval).all()


@pytest.mark.parametrize("rows", shifted.ROWS)
@pytest.mark.parametrize("kind", shifted.SAMPLES)
def test_equal_distributions_fire_as_seldom_as_stated(kind: str, rows: int) -> None:
    beyond_0, beyond_limit = shifted.rates(kind, rows, 0.0)
    chance = 1 - shifted.LEVEL
    most = chance + 3 * (chance * (1 - chance) / shifted.DRAWS) ** 0.5
    assert beyond_limit <= most
    if kind != "half in few values":  # whose quantiles are not exact, which limits allow for
        assert beyond_0 <= most


@pytest.mark.parametrize("kind", shifted.SAMPLES)
def test_shifts_are_found_at_the_rows_stated(kind: str) -> None:
    assert shifted.rates(kind, 300, 1.0)[1] >= 0.99
    assert shifted.rates(kind, 3000, 0.5)[1] >= 0.99


def test_the_docs_have_the_rates() -> None:
    assert shifted.table() in shifted.DOCS.read_text()
