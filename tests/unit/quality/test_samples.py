"""Values at hand have the distances that StatisticsGen's statistics of them have."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.components.example_gen.writer import to_lists
from evergreen.components.statistics_gen import compute
from evergreen.evaluation.distances import Distance, distances
from evergreen.quality.samples import of_numbers, of_text
from evergreen.quality.statistics import Feature, features

RANDOM = np.random.default_rng(5)
SHARES = np.arange(1, 13) / 78
NUMBERS = {
    "smooth": (RANDOM.normal(size=4000), RANDOM.normal(0.5, 1, 3000)),
    "few values": (RANDOM.choice(12, 4000), RANDOM.choice(12, 3000, p=SHARES)),
    "one value": (np.full(4000, 3.0), np.full(3000, 4.0)),
    "missing": (RANDOM.normal(size=4000), np.where(RANDOM.random(3000) < 0.3, np.nan, 1.0)),
}


def between(before: Feature, now: Feature) -> Distance:
    return distances([{"x": before}], {"x": now}, 0.95)["x"]


def by_tfdv(values: pa.Array) -> Feature:
    return features(compute([to_lists({"x": values})]).datasets[0])["x"]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    sides = NUMBERS[name]
    ours = between(*(of_numbers("x", side) for side in sides))
    columns = (pa.array(side.astype(np.float32), from_pandas=True) for side in sides)
    theirs = between(*map(by_tfdv, columns))
    assert ours.value == pytest.approx(theirs.value, abs=0.005)
    assert ours.value > 0.02


def test_text() -> None:
    sides = [np.array([*"aaabb", None] * 100, object), np.array([*"abb", None] * 100, object)]
    ours = between(*(of_text("x", side) for side in sides))
    assert ours == between(*(by_tfdv(pa.array(side).cast(pa.binary())) for side in sides))
    assert ours.is_text


def test_no_value_is_known_from_nothing() -> None:
    nothing = of_numbers("x", np.full(5, np.nan))
    assert (nothing.rows, nothing.present) == (5, 0)
    assert between(of_numbers("x", np.arange(500.0)), nothing).value == pytest.approx(1)
