"""Policies are compared on the same rows, with what the differences may be by chance."""

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import t

from evergreen.replay.comparison import compare, reference
from evergreen.replay.player import Played
from evergreen.replay.policies import Policy
from evergreen.runs.plan import Outcome
from evergreen.triggers.log import Ended

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def ended(*outcomes: Outcome) -> list[Ended]:
    return [Ended(at=NOW, run_id=f"{at}", outcome=outcome) for at, outcome in enumerate(outcomes)]


def test_a_policy_is_held_beside_always_row_by_row() -> None:
    random = np.random.default_rng(0)
    hard = random.exponential(1.0, 5000)  # of the rows, whoever answers
    worse = hard + random.normal(0.05, 0.1, 5000)
    played = {
        Policy.NEVER: [Played(5, worse[:2000], {}), Played(6, worse[2000:], {})],
        Policy.ALWAYS: [
            Played(5, hard[:2000], {}, runs=ended(Outcome.PUSHED), seconds=60),
            Played(6, hard[2000:], {}, runs=ended(Outcome.MODEL_REFUSED), seconds=30),
        ],
    }
    never, always = compare(played)
    assert (never.trainings, never.pushed, never.minutes) == (0, 0, 0)
    assert (always.trainings, always.pushed, always.minutes) == (2, 1, 1.5)
    assert (always.worse, always.worse_interval) == (0, (0, 0))
    for values, mean, interval in (
        (worse, never.loss, never.interval),
        (worse - hard, never.worse, never.worse_interval),
    ):
        error = values.std(ddof=1) / np.sqrt(5000)
        expected = t.interval(0.95, 4999, values.mean(), error)
        assert mean == pytest.approx(values.mean())
        assert interval == pytest.approx(expected, rel=1e-3)
    # Paired, the difference shows that the rows' own spread would hide.
    assert never.worse_interval[0] > 0
    assert never.interval[0] < always.interval[1]


def test_without_always_the_first_is_what_others_are_held_beside() -> None:
    assert reference({Policy.TRIGGER: 0, Policy.ALWAYS: 0}) is Policy.ALWAYS
    assert reference({Policy.TRIGGER: 0, Policy.NEVER: 0}) is Policy.TRIGGER
