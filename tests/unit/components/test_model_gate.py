"""The model gate refuses what is worse, and only that, at the rate it states."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import log_loss, roc_auc_score

from evergreen.evaluation.bootstrap import Ranking, compare_auc, compare_log_loss
from evergreen.evaluation.criteria import Bound, Criteria, NotWorse, Slicing
from evergreen.evaluation.slices import MOST, parts
from evergreen.evaluation.verdicts import (
    Predictions,
    Verdict,
    judge_bounds,
    judge_comparisons,
    undefined,
)
from evergreen.runs.reasons import numbers
from pipeline.criteria import CRITERIA

BOUND = Bound(metric="auc", at_least=0.75)
PAYMENT = Slicing(feature="payment")


def criteria(*rules: NotWorse, **options: float) -> Criteria:
    return Criteria(bounds=(BOUND,), not_worse=rules, resamples=200, **options)


def simulate(seed: int, rows: int = 1000, noise: tuple[float, float] = (1.0, 1.0)) -> Predictions:
    """Two models that see the truth through noise of their own; the payments are cut at random."""
    random = np.random.default_rng(seed)
    truth = random.normal(0.0, 2.0, rows)
    labels = (random.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)
    seen = [truth + random.normal(0.0, size, rows) for size in noise]
    candidate, baseline = (
        1 / (1 + np.exp(-logits / (1 + size))) for logits, size in zip(seen, noise, strict=True)
    )
    payments = random.choice(["cash", "card", "other"], rows, p=[0.5, 0.45, 0.05]).tolist()
    return Predictions(labels, candidate, baseline, {"payment": payments})


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
    assert [(one.passed, one.undefined) for one in compared] == [(False, why)]
    assert numbers(compared[0].model_dump()) == why


def test_a_gate_without_absolute_thresholds_is_not_built() -> None:
    with pytest.raises(ValidationError):
        Criteria(bounds=())
    with pytest.raises(ValidationError, match="neither"):
        Bound(metric="auc")
    with pytest.raises(ValidationError, match="log_loss"):
        NotWorse(metric="auc", margin=0.0, by=(PAYMENT,))
    assert CRITERIA.bounds


def test_metrics_are_those_of_scikit_learn() -> None:
    rows = simulate(0, rows=500)
    scores = np.round(rows.candidate, 2)  # with ties
    ones = np.ones((1, 500))
    ranking = Ranking(rows.labels, scores)
    assert ranking.areas(ones)[0] == pytest.approx(roc_auc_score(rows.labels, scores))
    doubled = np.ones((1, 500))
    doubled[0, :100] = 2.0
    expected = roc_auc_score(rows.labels, scores, sample_weight=doubled[0])
    assert ranking.areas(doubled)[0] == pytest.approx(expected)
    paired = compare_log_loss(rows.labels, rows.candidate, rows.baseline, 100, seed=0)
    assert paired.candidate == pytest.approx(log_loss(rows.labels, rows.candidate))
    assert paired.improvement == pytest.approx(paired.baseline - paired.candidate)


@pytest.mark.parametrize("compare", [compare_auc, compare_log_loss])
def test_the_standard_error_is_that_of_repeated_samples(compare) -> None:  # type: ignore[no-untyped-def]
    samples = [simulate(seed) for seed in range(200)]
    measured = [compare(one.labels, one.candidate, one.baseline, 200, seed=0) for one in samples]
    spread = np.std([paired.improvement for paired in measured])
    assert np.mean([paired.error for paired in measured]) == pytest.approx(spread, rel=0.15)


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


def test_of_thousands_of_values_the_rarer_ones_are_one_part() -> None:
    values = [f"company {at:04d}" for at in range(3000)] + ["company 0007", "company 2999"] * 5
    slicing = Slicing(feature="company")
    found = dict(parts(slicing, {"company": values}))
    assert len(found) == MOST + 1
    assert list(found)[-1] == "company (2,900 rarer values together)"
    assert found["company company 0007"].sum() == found["company company 2999"].sum() == 6
    np.testing.assert_array_equal(np.sum(list(found.values()), axis=0), 1)  # each row once


def test_answers_that_are_no_numbers_are_refused() -> None:
    rows = simulate(4)
    broken = Predictions(rows.labels, np.full(1000, math.nan), rows.baseline, rows.columns)
    for metric in ("log_loss", "auc"):
        [verdict] = judge_comparisons(criteria(NotWorse(metric=metric, margin=0.0)), broken)
        assert (verdict.passed, verdict.interval) == (False, None)


@pytest.mark.parametrize(
    ("slicing", "values", "expected"),
    [
        (PAYMENT, ["cash", None, "cash"], {"cash": 2, "missing": 1}),
        (Slicing(feature="payment", known=True), ["a", None, "b"], {"known": 2, "missing": 1}),
        (
            Slicing(feature="payment", edges=(6, 10)),
            [0, 5, 6, 9, 10, 23, None],
            {"below 6": 2, "6 to 10": 2, "10 and more": 2, "missing": 1},
        ),
    ],
)
def test_rows_are_cut_into_parts(slicing: Slicing, values: list, expected: dict[str, int]) -> None:
    found = {name: int(mask.sum()) for name, mask in parts(slicing, {"payment": values})}
    assert found == {f"payment {name}": count for name, count in expected.items()}
