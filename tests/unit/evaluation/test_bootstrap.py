"""Differences between two models, and their standard errors, are those of repeated samples."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from evergreen.evaluation.bootstrap import Ranking, compare_auc, compare_log_loss
from tests.unit.evaluation.simulated import simulate


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
    measured = [
        compare(sample.labels, sample.candidate, sample.baseline, 200, seed=0) for sample in samples
    ]
    spread = np.std([paired.improvement for paired in measured])
    assert np.mean([paired.error for paired in measured]) == pytest.approx(spread, rel=0.15)
