"""Answers of equal distributions are no distance apart, however few; those that move are."""

from collections.abc import Mapping

import numpy as np
import pytest

from evergreen.evaluation.distances import Distance
from evergreen.monitoring.answered import Classes, Scores

LEVEL = 0.975
LIMIT = 0.1
TIMES = 40
CLASSES = ("a", "b", "c")


def scores(rows: int, seed: int, shift: float = 0.0) -> Scores:
    """Probabilities whose log-odds are normal, moved by so many standard deviations."""
    odds = np.random.default_rng(seed).normal(shift, 1, rows)
    found = Scores()
    found.add(1 / (1 + np.exp(-odds)))
    return found


def classes(rows: int, seed: int, sure: float = 1.0) -> Classes:
    odds = np.random.default_rng(seed).normal(0, sure, (rows, len(CLASSES)))
    found = Classes(CLASSES)
    found.add(np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True))
    return found


def looks(rows: int, shift: float = 0.0) -> list[Distance]:
    before = scores(3000, seed=1000)
    return [
        scores(rows, seed, shift).distances(before, LEVEL)["scores"] for seed in range(TIMES)
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [200, 300, 2000])
def test_equal_scores_are_about_no_distance_apart(rows: int) -> None:
    found = looks(rows)
    assert np.mean([distance.value for distance in found]) < 4 / rows
    assert max(distance.value for distance in found) < LIMIT / 2
    assert sum(distance.interval[0] > 0 for distance in found) <= 4  # one in 40 is expected


def test_a_shift_is_found() -> None:
    """One standard deviation: 0.159 bits, by numeric integration."""
    found = looks(300, shift=1.0)
    assert np.mean([distance.value for distance in found]) == pytest.approx(0.16, abs=0.02)
    assert all(distance.interval[0] > 0.05 for distance in found)
    assert sum(distance.interval[0] > LIMIT for distance in looks(2000, shift=1.0)) >= 38


@pytest.mark.parametrize("now", [0.2, 0.8])
def test_answers_beside_a_constant_one_are_seen_on_both_sides(now: float) -> None:
    before, after = Scores(), Scores()
    before.add(np.full(1000, 0.5))
    after.add(np.full(1000, now))
    assert after.distances(before, LEVEL)["scores"].value == pytest.approx(1)


def test_how_sure_a_model_is_of_its_classes_is_compared_in_few_bins_too() -> None:
    before = classes(3000, seed=1000)
    same: Mapping[str, Distance] = classes(300, 1).distances(before, LEVEL)
    assert all(distance.value < 0.02 for distance in same.values())
    surer = classes(300, 1, sure=4.0).distances(before, LEVEL)["top probability"]
    assert surer.interval[0] > LIMIT
