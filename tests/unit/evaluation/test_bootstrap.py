"""Differences between two models, and their standard errors, are those of repeated samples."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from evergreen.evaluation.bootstrap import compare
from evergreen.settings.metrics import metric
from evergreen.settings.task import Task
from tests.unit.evaluation.simulated import SIMULATED, simulate

PAIRED = [
    (Task.BINARY, "auc"),
    (Task.BINARY, "log_loss"),
    (Task.MULTICLASS, "brier"),
    (Task.MULTICLASS, "top_2_accuracy"),
    (Task.MULTICLASS, "macro_f1"),
    (Task.REGRESSION, "rmse"),
    (Task.REGRESSION, "quantile_loss_0.9"),
]


def test_an_improvement_is_the_difference_in_the_better_direction() -> None:
    rows = simulate(0, rows=500)
    loss = metric("log_loss", Task.BINARY)
    paired = compare(loss, rows.labels, rows.candidate, rows.baseline, 100, seed=0)
    assert paired.candidate == pytest.approx(log_loss(rows.labels, rows.candidate))
    assert paired.improvement == pytest.approx(paired.baseline - paired.candidate)
    auc = metric("auc", Task.BINARY)
    paired = compare(auc, rows.labels, rows.candidate, rows.baseline, 100, seed=0)
    assert paired.improvement == pytest.approx(paired.candidate - paired.baseline)


@pytest.mark.parametrize(("task", "name"), PAIRED)
def test_the_standard_error_is_that_of_repeated_samples(task: Task, name: str) -> None:
    samples = [SIMULATED[task](seed) for seed in range(200)]
    found = metric(name, task)
    measured = [
        compare(found, sample.labels, sample.candidate, sample.baseline, 200, seed=0)
        for sample in samples
    ]
    spread = np.std([paired.improvement for paired in measured])
    assert np.mean([paired.error for paired in measured]) == pytest.approx(spread, rel=0.15)
