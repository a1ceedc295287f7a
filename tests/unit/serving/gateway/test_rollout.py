"""A canary's way, by a clock and chances of the test."""

import random
import re

import numpy as np
import pytest
from scipy.stats import binom

from evergreen.serving.gateway.prediction_log.reader import PLACE
from evergreen.serving.gateway.registry import CanaryVerdict, Targets, usable
from evergreen.serving.gateway.rollout import Rollout
from evergreen.serving.gateway.routing import Arm, position
from evergreen.settings.gateway import CanarySettings, LimitSettings
from tests.unit.serving.gateway.worlds import Clock

STABLE, CANARY = 1, 2


class Traffic:
    """A rollout, and requests with answers of a kind."""

    def __init__(
        self, seed: int = 0, limits: LimitSettings | None = None, **canary: object
    ) -> None:
        settings = CanarySettings.model_validate({"steps": [50], "hold_seconds": 60} | canary)
        self.clock = Clock()
        chances = random.Random(seed)
        self.rollout = Rollout("half", settings, limits or LimitSettings(), self.clock, chances)
        self.rollout.assign(Targets(STABLE, CANARY), CANARY)
        self.rng = np.random.default_rng(seed)

    def ask(
        self, count: int, errors: float = 0.0, slower: float = 1.0, shift: float = 0.0
    ) -> dict[Arm, int]:
        """Asks; the canary fails with a chance, is slower, and answers something else."""
        asked = dict.fromkeys(Arm, 0)
        for _ in range(count):
            arm, version = self.rollout.route("")
            asked[arm] += 1
            is_canary = arm is Arm.CANARY
            ok = self.rng.random() >= errors * is_canary
            seconds = self.rng.lognormal(-6) * (slower if is_canary else 1)
            self.rollout.observe(version, ok, seconds)
            if ok:
                output = self.rng.normal(shift if is_canary else 0)
                self.rollout.observe_outputs(version, {"y[0]": output})
        return asked

    def ask_in_turn(self, rounds: int, count: int, **kind: float) -> CanaryVerdict | None:
        """Asks again and again; returns the first decision."""
        for _ in range(rounds):
            self.ask(count, **kind)
            if decision := self.rollout.decide():
                return decision.verdict
        return None


@pytest.mark.parametrize("percent", [0, 1, 25, 100])
def test_the_canary_gets_its_share(percent: int) -> None:
    asked = Traffic(steps=[percent]).ask(4000)[Arm.CANARY]
    low, high = binom.interval(0.999, 4000, percent / 100)
    assert low <= asked <= high


def test_a_sticky_key_always_gets_the_same_and_keeps_the_canary_as_its_share_grows() -> None:
    keys = [f"user {number}" for number in range(4000)]
    before: set[str] = set()
    for percent in (1, 10, 50):
        rollout = Traffic(steps=[percent]).rollout
        of_canary = {key for key in keys if rollout.route(key).arm is Arm.CANARY}
        assert of_canary == {key for key in keys if rollout.route(key).arm is Arm.CANARY}
        low, high = binom.interval(0.999, len(keys), percent / 100)
        assert low <= len(of_canary) <= high
        assert before <= of_canary
        before = of_canary


def test_the_next_canary_goes_to_others() -> None:
    keys = [f"user {number}" for number in range(2000)]
    rollout = Traffic().rollout
    first = [rollout.route(key).arm for key in keys]
    rollout.assign(Targets(STABLE, 3), 3)
    second = [rollout.route(key).arm for key in keys]
    both = sum(arm is other is Arm.CANARY for arm, other in zip(first, second, strict=True))
    assert 400 < both < 600


def test_steps_are_taken_when_time_and_sample_are_enough_and_then_it_is_promoted() -> None:
    traffic = Traffic(steps=[10, 50, 100])
    rollout, shares = traffic.rollout, []
    traffic.ask(5000)
    assert rollout.decide() is None
    assert rollout.share == 0.1  # not yet held long enough
    for moment in (60, 119, 120):
        traffic.clock.now = moment
        assert rollout.decide() is None
        shares.append(rollout.share)
        traffic.ask(1000)
    assert shares == [0.5, 0.5, 1.0]
    traffic.clock.now = 180
    decision = rollout.decide()
    assert decision.verdict is CanaryVerdict.PROMOTE
    assert decision.version == CANARY
    assert set(decision.evidence) == {
        "canary share",
        "canary answers",
        "error rate",
        "latency p95",
        "output distribution",
    }


def test_a_step_needs_a_sample_of_its_own() -> None:
    traffic = Traffic(steps=[10, 50])
    traffic.ask(5000)
    traffic.clock.now = 60
    traffic.rollout.decide()
    traffic.clock.now = 1000
    assert traffic.rollout.decide() is None


def test_a_canary_is_compared_with_what_is_answered_at_the_same_time() -> None:
    traffic = Traffic()
    for _ in range(2000):
        traffic.rollout.observe(STABLE, True, 0.01)
        traffic.rollout.observe_outputs(STABLE, {"y[0]": 5.0})  # the traffic of another season
    traffic.rollout.assign(Targets(STABLE, 3), 3)
    traffic.ask(1000)
    traffic.clock.now = 60
    assert traffic.rollout.decide().verdict is CanaryVerdict.PROMOTE


def test_nothing_is_promoted_without_a_stable_version_to_compare_with() -> None:
    traffic = Traffic(steps=[90])
    for version in [STABLE] * 99 + [CANARY] * 1000:
        traffic.rollout.observe(version, version == STABLE, 0.01)
    traffic.clock.now = 1000
    assert traffic.rollout.decide() is None
    traffic.rollout.observe(STABLE, True, 0.01)
    assert traffic.rollout.decide().verdict is CanaryVerdict.REJECT


@pytest.mark.parametrize(("limit", "verdict"), [(0.1, None), (None, CanaryVerdict.PROMOTE)])
def test_nothing_is_promoted_before_its_answers_are_read(
    limit: float | None, verdict: CanaryVerdict | None
) -> None:
    traffic = Traffic(limits=LimitSettings(output_divergence=limit))
    for version in (STABLE, CANARY) * 1000:
        traffic.rollout.observe(version, True, 0.01)
    traffic.clock.now = 1000
    decision = traffic.rollout.decide()
    assert (decision and decision.verdict) is verdict
    for version in (STABLE, CANARY) * 1000:
        traffic.rollout.observe_outputs(version, {})
    assert traffic.rollout.decide().verdict is CanaryVerdict.PROMOTE


def test_without_promotion_the_last_step_is_kept() -> None:
    traffic = Traffic(promote=False)
    traffic.ask(1000)
    traffic.clock.now = 1000
    assert traffic.rollout.decide() is None
    assert traffic.rollout.share == 0.5


@pytest.mark.parametrize(
    ("kind", "criterion"),
    [
        ({"errors": 0.2}, "error rate"),
        ({"slower": 4.0}, "latency p95"),
        ({"shift": 2.0}, "output distribution"),
    ],
)
def test_a_bad_canary_is_rejected_and_gets_no_more_requests(
    kind: dict[str, float], criterion: str
) -> None:
    traffic = Traffic()
    assert traffic.ask_in_turn(20, 100, **kind) is CanaryVerdict.REJECT
    decision = traffic.rollout.decide()
    assert decision.why == f"worse in {criterion}"
    assert f"limit {getattr(LimitSettings(), LIMITS[criterion]):g}" in decision.evidence[criterion]
    assert traffic.ask(500)[Arm.CANARY] == 0


LIMITS = {
    "error rate": "error_increase",
    "latency p95": "latency_ratio",
    "output distribution": "output_divergence",
}


@pytest.mark.parametrize("confused", [False, True])
def test_a_canary_that_confuses_some_of_many_classes_is_rejected(confused: bool) -> None:
    traffic = Traffic(promote=False)
    name = f"probabilities{PLACE}"

    def answer(version: int) -> None:
        found = int(traffic.rng.choice([70, 71, 72, 73]))
        found = min(found, 71) if confused and version == CANARY else found
        traffic.rollout.observe(version, True, 0.01)
        traffic.rollout.observe_outputs(version, {name: float(found)})

    for _ in range(1000):
        answer(STABLE)
        answer(CANARY)
    decision = traffic.rollout.decide()
    assert (decision is not None) is confused
    if decision:
        assert decision.verdict is CanaryVerdict.REJECT
        detail = decision.evidence["output distribution"]
        assert re.search(rf"{re.escape(name)}: canary 71 in \d+ of 1000, stable in", detail)


def test_a_canary_that_becomes_bad_late_is_rejected() -> None:
    traffic = Traffic(promote=False)
    assert traffic.ask_in_turn(50, 200) is None
    assert traffic.ask_in_turn(50, 200, errors=0.5) is CanaryVerdict.REJECT


def test_a_canary_at_once_is_compared_with_what_was_before_it() -> None:
    traffic = Traffic(steps=[100])
    traffic.rollout.assign(Targets(STABLE, None), None)
    traffic.ask(1000)
    traffic.rollout.assign(Targets(STABLE, CANARY), CANARY)
    assert traffic.ask_in_turn(20, 100, shift=2.0) is CanaryVerdict.REJECT


def test_nothing_is_decided_on_few_answers() -> None:
    traffic = Traffic()
    traffic.ask(150, errors=1.0)
    traffic.clock.now = 1000
    assert traffic.rollout.decide() is None


def test_good_canaries_are_rarely_rejected_however_often_one_looks() -> None:
    limits = LimitSettings(
        error_increase=0, latency_ratio=1, output_divergence=0, false_alarms=0.1, window=1000
    )
    rejected = sum(
        Traffic(seed, limits, promote=False).ask_in_turn(10, 200) is CanaryVerdict.REJECT
        for seed in range(60)
    )
    assert rejected <= binom.ppf(0.999, 60, 0.1)


def test_a_canary_slightly_over_a_limit_is_neither_rejected_nor_promoted() -> None:
    traffic = Traffic()
    traffic.ask(4000, errors=0.015)
    traffic.clock.now = 1000
    assert traffic.rollout.decide() is None
    assert traffic.rollout.share == 0.5


def test_a_canary_that_is_away_for_a_while_goes_on_where_it_was() -> None:
    traffic = Traffic(steps=[10, 50])
    traffic.ask(5000)
    traffic.clock.now = 60
    traffic.rollout.decide()
    traffic.rollout.assign(Targets(STABLE, None), CANARY)
    assert traffic.ask(100)[Arm.CANARY] == 0
    traffic.rollout.assign(Targets(STABLE, CANARY), CANARY)
    assert traffic.rollout.share == 0.5


@pytest.mark.parametrize(
    ("assigned", "available", "current", "expected"),
    [
        (Targets(1, 2), {1, 2}, Targets(), Targets(1, 2)),
        (Targets(1, 2), {1}, Targets(), Targets(1, None)),  # pushed, and not loaded yet
        (Targets(2, None), {1}, Targets(1, None), Targets(1, None)),  # promoted by hand, not loaded
        (Targets(2, None), {2}, Targets(1, None), Targets(2, None)),
        (Targets(2, None), set(), Targets(1, None), Targets(2, None)),
        (Targets(1, 2), None, Targets(1, 2), Targets(1, 2)),  # the backend is gone for a while
        (Targets(1, 3), None, Targets(1, 2), Targets(1, None)),
        (Targets(1, None), None, Targets(), Targets(1, None)),
        (Targets(), {1}, Targets(), Targets()),  # pushed is not exposed
    ],
)
def test_requests_go_to_versions_that_are_there(
    assigned: Targets, available: set[int] | None, current: Targets, expected: Targets
) -> None:
    assert usable(assigned, available, current) == expected


def test_who_is_first_differs_between_experiments() -> None:
    """By chance half of them agree; with the same hash for all it would be everybody."""
    keys = [str(number) for number in range(4000)]

    def first(experiment: str, canary: int) -> list[bool]:
        return [position(key, experiment, canary) < 0.5 for key in keys]

    taxi = first("taxi", 2)
    assert taxi == first("taxi", 2)
    for other in (first("flights", 2), first("taxi", 3)):
        alike = sum(score == two for score, two in zip(taxi, other, strict=True))
        low, high = binom.interval(0.9999, len(keys), 0.5)
        assert low <= alike <= high
