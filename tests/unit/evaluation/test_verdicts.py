"""The model gate refuses what is worse, and only that, at the rate it states."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from evergreen.evaluation.verdicts import (
    Predictions,
    enough,
    judge_bounds,
    judge_comparisons,
    undefined,
)
from evergreen.runs.reports.model import Verdict
from evergreen.runs.sentences import numbers
from evergreen.settings.gates import Bound, Criteria, NotWorse, Slicing
from evergreen.settings.task import Task
from tests.unit.evaluation.simulated import SIMULATED, simulate

BOUND = Bound(metric="auc", at_least=0.75)
PAYMENT = Slicing(feature="payment")


def criteria(*rules: NotWorse, **options: float) -> Criteria:
    return Criteria(bounds=(BOUND,), not_worse=rules, resamples=200, **options)


def refused(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdict.criterion for verdict in verdicts if not verdict.passed]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, [False, True]), (0.75, [True, True]), (1.25, [True, True]), (1.5, [True, False])],
)
def test_a_bound_holds_up_to_its_limits(value: float, expected: list[bool]) -> None:
    bound = Bound(metric="calibration", at_least=0.75, at_most=1.25)
    verdicts = judge_bounds([bound], {"calibration": value}, {})
    assert [verdict.passed for verdict in verdicts] == expected


@pytest.mark.parametrize("metrics", [{}, {"auc": math.nan}, {"auc": math.inf}, {"auc": -math.inf}])
def test_a_metric_that_is_missing_or_no_number_passes_nothing(metrics: dict[str, float]) -> None:
    [verdict] = judge_bounds([BOUND], metrics, {})
    assert (verdict.passed, verdict.value) == (False, None)


def test_a_rule_on_what_cannot_be_computed_does_not_hold_and_says_why() -> None:
    """Evaluation libraries give 0 for an AUC of one class, which `at_most` would let pass."""
    why = "not defined, all 500 labels are 0"
    labels, metrics = np.zeros(500), {"auc": 0.0, "calibration": math.inf, "log_loss": 0.1}
    unknown = undefined(metrics, labels)
    assert unknown == {"auc": why, "calibration": why}
    bounds = [Bound(metric="auc", at_most=0.9), Bound(metric="log_loss", at_most=0.9)]
    auc, loss = judge_bounds(bounds, metrics, unknown)
    assert (auc.passed, auc.value, auc.undefined) == (False, None, why)
    assert (loss.passed, loss.value, loss.undefined) == (True, 0.1, "")
    rows = simulate(0, rows=500)
    compared = judge_comparisons(
        criteria(NotWorse(metric="auc", margin=1.0)),
        Predictions(labels, rows.candidate, rows.baseline, rows.columns),
    )
    assert [(verdict.passed, verdict.undefined) for verdict in compared] == [(False, why)]
    assert numbers(compared[0]) == why


def test_equal_models_are_refused_at_the_stated_rate() -> None:
    held_to = criteria(
        NotWorse(metric="auc", margin=0.0),
        NotWorse(metric="log_loss", margin=0.0),
        NotWorse(metric="log_loss", margin=0.0, by=(PAYMENT,)),
        confidence=0.9,
    )
    runs = 300
    times = sum(bool(refused(judge_comparisons(held_to, simulate(seed)))) for seed in range(runs))
    # At most 10 % by Bonferroni; not far below, or it would be no test. Three standard errors.
    reach = 3 * math.sqrt(0.1 * 0.9 / runs)
    assert 0.02 <= times / runs <= 0.1 + reach


def test_a_clearly_worse_model_is_refused_and_a_better_one_never() -> None:
    held_to = criteria(NotWorse(metric="log_loss", margin=0.0))
    for seed in range(20):
        assert refused(judge_comparisons(held_to, simulate(seed, noise=(4.0, 1.0))))
        assert not refused(judge_comparisons(held_to, simulate(seed, noise=(1.0, 4.0))))


def test_the_margin_is_tolerated() -> None:
    rows = simulate(1, noise=(2.0, 1.0))
    strict = judge_comparisons(criteria(NotWorse(metric="log_loss", margin=0.0)), rows)
    lenient = judge_comparisons(criteria(NotWorse(metric="log_loss", margin=0.5)), rows)
    assert refused(strict)
    assert not refused(lenient)


def test_better_on_average_and_worse_in_one_part_is_refused_for_that_part() -> None:
    rows = simulate(2, rows=4000, noise=(0.5, 2.0))
    card = np.array(rows.columns["payment"]) == "card"
    candidate = np.where(card, 1 - rows.candidate, rows.candidate)
    candidate[~card] = np.where(rows.labels[~card] == 1, 0.999, 0.001)
    spoilt = Predictions(rows.labels, candidate, np.full(4000, 0.5), rows.columns)
    held_to = criteria(
        NotWorse(metric="log_loss", margin=0.0),
        NotWorse(metric="log_loss", margin=0.0, by=(PAYMENT,)),
    )
    verdicts = judge_comparisons(held_to, spoilt)
    assert [name.split(" not ")[0] for name in refused(verdicts)] == ["log_loss on payment card"]
    assert verdicts[0].improvement is not None
    assert verdicts[0].improvement > 0


@pytest.mark.parametrize(
    "options", [{"min_rows": 200}, {"min_rows": 2, "min_class_rows": 40}], ids=["rows", "class"]
)
def test_a_part_that_is_too_small_is_reported_and_does_not_decide(options: dict) -> None:
    rows = simulate(3)
    other = np.array(rows.columns["payment"]) == "other"
    assert other.sum() < 60
    wrong = np.where(other, 1 - rows.labels, rows.candidate)
    spoilt = Predictions(rows.labels, wrong, rows.candidate, rows.columns)
    held_to = criteria(NotWorse(metric="log_loss", margin=0.0, by=(PAYMENT,)), **options)
    verdicts = {verdict.criterion: verdict for verdict in judge_comparisons(held_to, spoilt)}
    [small] = [verdict for name, verdict in verdicts.items() if "payment other" in name]
    assert (small.passed, small.decides, small.rows) == (True, False, int(other.sum()))
    assert small.improvement is not None
    assert small.improvement < 0
    assert not refused(list(verdicts.values()))


def test_many_small_parts_are_judged_together() -> None:
    rows = simulate(3)
    areas = [f"area {at % 20}" if at < 300 else "downtown" for at in range(1000)]  # 15 rows each
    wrong = np.where(np.arange(1000) < 300, 1 - rows.candidate, rows.candidate)
    spoilt = Predictions(rows.labels, wrong, rows.baseline, {"area": areas})
    by_area = (Slicing(feature="area"),)
    verdicts = judge_comparisons(
        criteria(NotWorse(metric="log_loss", margin=0.01, by=by_area)), spoilt
    )
    found = {verdict.slice: (verdict.passed, verdict.rows) for verdict in verdicts}
    together = "area (20 rarer values together)"
    assert found == {"area downtown": (True, 700), together: (False, 300)}


def test_answers_that_are_no_numbers_are_refused() -> None:
    rows = simulate(4)
    broken = Predictions(rows.labels, np.full(1000, math.nan), rows.baseline, rows.columns)
    for metric in ("log_loss", "auc"):
        [verdict] = judge_comparisons(criteria(NotWorse(metric=metric, margin=0.0)), broken)
        assert (verdict.passed, verdict.interval) == (False, None)


TASKS = {Task.MULTICLASS: ("log_loss", "macro_f1"), Task.REGRESSION: ("mae", "rmse")}


@pytest.mark.parametrize("task", list(TASKS))
def test_a_clearly_worse_model_of_any_task_is_refused_and_an_equal_one_rarely(task: Task) -> None:
    names = TASKS[task]
    held_to = criteria(*(NotWorse(metric=name, margin=0.0) for name in names), confidence=0.9)
    by_part = criteria(NotWorse(metric=names[0], margin=0.0, by=(PAYMENT,)))
    simulated = SIMULATED[task]
    for seed in range(5):
        worse = judge_comparisons(held_to, simulated(seed, noise=(4.0, 1.0)))
        assert len(refused(worse)) == len(names)
        assert not refused(judge_comparisons(held_to, simulated(seed, noise=(1.0, 4.0))))
        parts = refused(judge_comparisons(by_part, simulated(seed, noise=(4.0, 1.0))))
        assert [part.split(" not ")[0] for part in parts] == [
            f"{names[0]} on payment card",
            f"{names[0]} on payment cash",
        ]
    runs = 100
    times = sum(bool(refused(judge_comparisons(held_to, simulated(seed)))) for seed in range(runs))
    assert times / runs <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / runs)


def test_a_part_with_rows_of_one_class_does_not_decide() -> None:
    held_to = criteria(min_rows=20, min_class_rows=5)
    assert enough(held_to, np.array([0.0] * 30 + [2.0] * 5), Task.MULTICLASS)
    assert not enough(held_to, np.array([0.0] * 30 + [1.0] * 4 + [2.0] * 4), Task.MULTICLASS)
    assert not enough(held_to, np.zeros(100), Task.MULTICLASS)
    assert enough(held_to, np.zeros(100), Task.REGRESSION)
    assert not enough(held_to, np.zeros(19), Task.REGRESSION)


@pytest.mark.parametrize("task", list(TASKS))
def test_a_metric_without_a_value_says_why_and_passes_nothing(task: Task) -> None:
    labels, names = np.zeros(40), TASKS[task]
    unknown = undefined({names[0]: math.nan, names[1]: 0.5}, labels, task)
    assert unknown == {names[0]: "not defined, it came out as nan on 40 rows"}
    [verdict] = judge_bounds([Bound(metric=names[0], at_most=1.0)], {names[0]: math.nan}, unknown)
    assert (verdict.passed, verdict.undefined) == (False, unknown[names[0]])
