"""Bounds hold as often as they say, and are those of the literature."""

import numpy as np
import pytest

from evergreen.evaluation import bounds
from evergreen.settings.gateway import LimitSettings

ROUNDS = 1000


def test_the_difference_of_shares_is_newcombes() -> None:
    """His example (a), 56/70 against 48/80: 0.0524 to 0.3339 at 95 %."""
    assert bounds.least_increase((48, 80), (56, 70), 0.025) == pytest.approx(0.0524, abs=5e-5)
    assert -bounds.least_increase((56, 70), (48, 80), 0.025) == pytest.approx(0.3339, abs=5e-5)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_equal_shares_rarely_seem_to_differ(share: float) -> None:
    rng = np.random.default_rng(0)
    draws = zip(rng.binomial(1000, share, ROUNDS), rng.binomial(200, share, ROUNDS), strict=True)
    wrong = sum(
        bounds.least_increase((int(old), 1000), (int(new), 200), 0.05) > 0 for old, new in draws
    )
    assert wrong / ROUNDS < 0.07


def test_equal_latencies_rarely_seem_to_differ() -> None:
    rng = np.random.default_rng(0)
    wrong = sum(
        bounds.least_ratio(rng.lognormal(size=1000), rng.lognormal(size=200), 0.95, 0.05) > 1
        for _ in range(ROUNDS)
    )
    assert wrong / ROUNDS < 0.05


def test_a_ratio_is_near_its_bound_in_a_large_sample_and_unknown_in_a_small_one() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.lognormal(size=5000), 3 * rng.lognormal(size=5000)
    assert 2.4 < bounds.least_ratio(before, after, 0.95, 0.01) < 3
    assert bounds.least_ratio(before[:50], after, 0.95, 0.01) == 0


@pytest.mark.parametrize("kind", ["normal", "few", "constant"])
def test_equal_outputs_rarely_seem_to_differ(kind: str) -> None:
    rng = np.random.default_rng(0)

    def draw(size: int) -> np.ndarray:
        values = {"normal": rng.normal(size=size), "few": rng.integers(0, 3, size)}
        return values.get(kind, np.ones(size))

    wrong = sum(bounds.divergence(draw(1000), draw(200), 0.05)[1] > 0 for _ in range(ROUNDS))
    assert wrong / ROUNDS < 0.07


@pytest.mark.parametrize("classes", [2, 10, 300])
def test_equal_classes_rarely_seem_to_differ(classes: int) -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(classes))

    def draw(size: int) -> np.ndarray:
        return rng.choice(classes, size, p=shares)

    pairs = [(draw(1000), draw(200)) for _ in range(ROUNDS)]
    wrong = sum(bounds.divergence(*pair, 0.05, is_category=True)[1] > 0 for pair in pairs)
    assert wrong / ROUNDS < 0.07


def test_neighbouring_classes_are_not_taken_together() -> None:
    """In deciles, classes 96 to 99 of a hundred would be one bin."""
    rng = np.random.default_rng(0)
    before = rng.choice(100, 4000)
    after = np.where(before >= 96, 96, before)
    assert bounds.divergence(before, after, 0.01)[1] == 0
    assert bounds.divergence(before, after, 0.01, is_category=True)[1] > 0.001


def test_the_divergence_of_a_shift_is_what_the_settings_say() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=20000), rng.normal(0.8, size=20000)
    value, least = bounds.divergence(before, after, 0.01)
    assert value == pytest.approx(LimitSettings().output_divergence, abs=0.01)
    assert 0.08 < least < value


@pytest.mark.parametrize("value", [0.5, 7.0, float("nan"), float("inf")])
def test_constant_outputs_are_far_from_others(value: float) -> None:
    before = np.random.default_rng(0).uniform(size=1000)
    assert bounds.divergence(before, np.full(200, value), 0.001)[1] > 0.3


def test_two_constants_are_as_far_as_can_be() -> None:
    assert bounds.divergence([0.5] * 1000, [0.3] * 100, 0.01)[0] == pytest.approx(1, abs=0.01)


def test_sure_scores_that_are_surer_still_are_no_other_answers() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0, 0.01, 650)
    unsure = rng.uniform(0.2, 0.9, 350)
    before, after = np.concatenate([sure, unsure]), np.concatenate([sure / 10, unsure])
    assert bounds.divergence(before, after, 0.01)[0] < 0.01


def test_the_mean_of_equal_samples_divergence_is_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=100), rng.normal(size=100)) for _ in range(100)]
    assert np.mean([bounds.divergence(*pair, 0.01)[0] for pair in pairs]) < 0.02
