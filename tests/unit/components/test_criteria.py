"""What a candidate is held to decides alone whether it passes."""

import math

import pytest
from pydantic import ValidationError

from evergreen.components.model_gate.criteria import Bound, Criteria, NotWorse, judge
from pipeline.criteria import CRITERIA

AUC = Bound(metric="auc", at_least=0.75)
HIGHER = NotWorse(metric="auc", margin=0.25, higher_is_better=True)
LOWER = NotWorse(metric="loss", margin=0.25, higher_is_better=False)


def passed(criteria: Criteria, candidate: dict, baseline: dict | None = None) -> list[bool]:
    return [verdict.passed for verdict in judge(criteria, candidate, baseline)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, [False, True]), (0.75, [True, True]), (1.25, [True, True]), (1.5, [True, False])],
)
def test_a_bound_holds_up_to_its_limits(value: float, expected: list[bool]) -> None:
    bound = Bound(metric="calibration", at_least=0.75, at_most=1.25)
    assert passed(Criteria(bounds=(bound,)), {"calibration": value}) == expected


@pytest.mark.parametrize(
    ("rule", "candidate", "expected"),
    [
        (HIGHER, {"auc": 1.0, "loss": 9.0}, True),
        (HIGHER, {"auc": 0.5, "loss": 0.0}, True),
        (HIGHER, {"auc": 0.4375, "loss": 0.0}, False),
        (LOWER, {"auc": 0.0, "loss": 0.0}, True),
        (LOWER, {"auc": 0.0, "loss": 1.25}, True),
        (LOWER, {"auc": 1.0, "loss": 1.3125}, False),
    ],
)
def test_a_metric_may_be_worse_than_the_baselines_by_the_margin(
    rule: NotWorse, candidate: dict, expected: bool
) -> None:
    criteria = Criteria(bounds=(Bound(metric="auc", at_least=0.0),), not_worse=(rule,))
    assert passed(criteria, candidate, {"auc": 0.75, "loss": 1.0}) == [True, expected]


def test_without_a_baseline_only_the_bounds_decide() -> None:
    criteria = Criteria(bounds=(AUC,), not_worse=(HIGHER, LOWER))
    assert passed(criteria, {"auc": 0.8}, None) == [True]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_a_metric_that_is_missing_or_no_number_passes_nothing(value: float | None) -> None:
    criteria = Criteria(bounds=(AUC, Bound(metric="auc", at_most=2.0)), not_worse=(HIGHER,))
    candidate = {} if value is None else {"auc": value}
    verdicts = judge(criteria, candidate, {"auc": 0.75})
    assert [(verdict.passed, verdict.value) for verdict in verdicts] == [(False, None)] * 3


@pytest.mark.parametrize("baseline", [{}, {"auc": math.nan}])
def test_a_baseline_without_the_metric_lets_nothing_pass(baseline: dict) -> None:
    criteria = Criteria(bounds=(AUC,), not_worse=(HIGHER,))
    assert passed(criteria, {"auc": 0.8}, baseline) == [True, False]


def test_all_criteria_are_judged_and_say_what_was_asked() -> None:
    criteria = Criteria(bounds=(AUC,), not_worse=(HIGHER,))
    verdicts = judge(criteria, {"auc": 0.25}, {"auc": 0.875})
    assert [(verdict.criterion, verdict.limit) for verdict in verdicts] == [
        ("auc at least 0.75", 0.75),
        ("auc not worse than the baseline's 0.8750 by 0.25", 0.625),
    ]
    assert not any(verdict.passed for verdict in verdicts)


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"bounds": []},
        {"bounds": [{"metric": "auc"}]},
        {"bounds": [{"metric": "auc", "at_least": math.nan}]},
        {"bounds": [{"metric": "auc", "at_leats": 0.5}]},
        {"bounds": [AUC], "not_worse": [{**HIGHER.model_dump(), "margin": -0.1}]},
    ],
)
def test_criteria_that_hold_a_candidate_to_nothing_are_refused(criteria: dict) -> None:
    with pytest.raises(ValidationError):
        Criteria.model_validate(criteria)


def test_the_projects_criteria_survive_the_way_into_the_gate() -> None:
    assert Criteria.model_validate_json(CRITERIA.model_dump_json()) == CRITERIA
