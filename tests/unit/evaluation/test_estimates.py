"""The metrics and intervals that a report shows are right."""

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from evergreen.evaluation.estimates import measure, measure_slices
from evergreen.evaluation.verdicts import Predictions, judge_comparisons
from evergreen.settings.gates import Bound, Criteria, NotWorse, Slicing
from tests.unit.evaluation.simulated import simulate

CRITERIA = Criteria(
    bounds=(Bound(metric="auc", at_least=0.5),),
    not_worse=(
        NotWorse(metric="auc", margin=0),
        NotWorse(metric="log_loss", margin=0, by=(Slicing(feature="payment"),)),
    ),
)


def test_metrics_are_those_of_scikit_learn() -> None:
    rows = simulate(0, rows=500)
    scores = np.round(rows.candidate, 2)  # with ties
    metrics = measure(rows.labels, scores).known
    assert metrics["auc"].value == pytest.approx(roc_auc_score(rows.labels, scores))
    assert metrics["log_loss"].value == pytest.approx(
        log_loss(rows.labels, np.clip(scores, 1e-7, 1))
    )


@pytest.mark.parametrize("name", ["auc", "log_loss"])
def test_an_interval_is_as_wide_as_repeated_samples_spread(name: str) -> None:
    samples = [simulate(seed, rows=400) for seed in range(200)]
    found = [measure(sample.labels, sample.candidate).known[name] for sample in samples]
    spread = np.std([estimate.value for estimate in found])
    half = np.mean([(estimate.high - estimate.low) / 2 for estimate in found])
    assert half == pytest.approx(1.96 * spread, rel=0.12)


def test_slices_are_all_rows_and_the_parts_of_the_criteria() -> None:
    rows = simulate(1)
    slices = {part.name: part for part in measure_slices(CRITERIA, rows)}
    names = ["all rows", "payment card", "payment cash", "payment other"]
    assert sorted(slices) == names
    assert sum(slices[name].rows for name in names[1:]) == slices["all rows"].rows == 1000
    verdicts = {verdict.criterion: verdict for verdict in judge_comparisons(CRITERIA, rows)}
    card = verdicts["log_loss on payment card not worse than the baseline's by 0"]
    assert slices["payment card"].candidate.known["log_loss"].value == pytest.approx(card.value)
    assert [part.decides for part in slices.values()] == [
        True,
        *(verdict.decides for verdict in list(verdicts.values())[1:]),
    ]


def test_without_a_baseline_the_candidate_is_measured_and_nothing_compared() -> None:
    rows = simulate(2)
    alone = Predictions(rows.labels, rows.candidate, None, rows.columns)
    assert all(part.baseline is None for part in measure_slices(CRITERIA, alone))
    assert judge_comparisons(CRITERIA, alone) == []


def test_one_class_has_no_auc_and_no_number_has_nothing() -> None:
    ones = measure(np.ones(5), np.full(5, 0.5))
    assert list(ones.known) == ["log_loss"]
    broken = measure(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, math.nan, 0.2, 0.3]))
    assert not broken.known
