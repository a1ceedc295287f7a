"""Metrics of all tasks are those of scikit-learn, of weighted rows as well."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sklearn

from evergreen.evaluation.losses import LOSSES, Floats, row_losses
from evergreen.evaluation.weighted import Ranking, mean_of, value, weighted
from evergreen.settings.metrics import metric
from evergreen.settings.task import Task
from tests.unit.evaluation.simulated import CLASSES, SIMULATED, simulate, simulate_classes

WEIGHTS = np.random.default_rng(0).exponential(size=500)
Score = Callable[[Floats, Floats, Floats], float]


def predicted(answers: Floats) -> Floats:
    return (answers > 0.5).astype(float) if answers.ndim == 1 else answers.argmax(axis=1)


def squared(y: Floats, p: Floats, w: Floats) -> float:
    return float(np.average(((np.eye(3)[y.astype(int)] - p) ** 2).sum(axis=1), weights=w))


CASES: dict[tuple[Task, str], Score] = {
    (Task.BINARY, "log_loss"): lambda y, p, w: sklearn.log_loss(y, p, sample_weight=w),
    (Task.BINARY, "brier"): lambda y, p, w: sklearn.brier_score_loss(y, p, sample_weight=w),
    (Task.BINARY, "auc"): lambda y, p, w: sklearn.roc_auc_score(y, p, sample_weight=w),
    (Task.BINARY, "accuracy"): lambda y, p, w: sklearn.accuracy_score(
        y, predicted(p), sample_weight=w
    ),
    (Task.BINARY, "calibration"): lambda y, p, w: (
        np.average(p, weights=w) / np.average(y, weights=w)
    ),
    (Task.MULTICLASS, "log_loss"): lambda y, p, w: sklearn.log_loss(y, p, sample_weight=w),
    (Task.MULTICLASS, "brier"): squared,
    (Task.MULTICLASS, "accuracy"): lambda y, p, w: sklearn.accuracy_score(
        y, predicted(p), sample_weight=w
    ),
    (Task.MULTICLASS, "top_2_accuracy"): lambda y, p, w: sklearn.top_k_accuracy_score(
        y, p, k=2, sample_weight=w
    ),
    (Task.MULTICLASS, "macro_f1"): lambda y, p, w: sklearn.f1_score(
        y, predicted(p), average="macro", sample_weight=w
    ),
    (Task.MULTICLASS, "recall/blue"): lambda y, p, w: sklearn.recall_score(
        y == 2, predicted(p) == 2, sample_weight=w
    ),
    (Task.MULTICLASS, "precision/green"): lambda y, p, w: sklearn.precision_score(
        y == 1, predicted(p) == 1, sample_weight=w
    ),
    (Task.REGRESSION, "mae"): lambda y, p, w: sklearn.mean_absolute_error(y, p, sample_weight=w),
    (Task.REGRESSION, "rmse"): lambda y, p, w: sklearn.root_mean_squared_error(
        y, p, sample_weight=w
    ),
    (Task.REGRESSION, "r2"): lambda y, p, w: sklearn.r2_score(y, p, sample_weight=w),
    (Task.REGRESSION, "quantile_loss_0.9"): lambda y, p, w: sklearn.mean_pinball_loss(
        y, p, sample_weight=w, alpha=0.9
    ),
    (Task.REGRESSION, "mean_error"): lambda y, p, w: np.average(p - y, weights=w),
}


@pytest.mark.parametrize(("task", "name"), CASES)
def test_metrics_are_those_of_scikit_learn(task: Task, name: str) -> None:
    rows = SIMULATED[task](0, rows=500)
    found, expected = metric(name, task, rows.classes), CASES[task, name]
    labels, answers = rows.labels, rows.candidate
    ones = np.ones(500)
    assert value(found, labels, answers, rows.classes) == pytest.approx(
        expected(labels, answers, ones)
    )
    if found.family in LOSSES:
        by_weight = mean_of(row_losses(found.family, labels, answers, float(found.argument or 0)))
    else:
        by_weight = weighted(found, labels, answers, rows.classes)
    both = by_weight(np.stack([WEIGHTS, ones]))
    assert both == pytest.approx([expected(labels, answers, w) for w in (WEIGHTS, ones)])


def test_ties_count_half_in_an_area() -> None:
    rows = simulate(0, rows=500)
    scores = np.round(rows.candidate, 2)
    areas = Ranking(rows.labels, scores).areas(np.ones((1, 500)))
    assert areas[0] == pytest.approx(sklearn.roc_auc_score(rows.labels, scores))


def test_calibration_error_of_several_classes_is_that_of_the_predicted_one() -> None:
    rows = simulate_classes(0, rows=5000)
    known = metric("calibration_error", Task.MULTICLASS)
    confident = np.eye(3)[rows.candidate.argmax(axis=1)]
    wrong = 1 - sklearn.accuracy_score(rows.labels, rows.candidate.argmax(axis=1))
    assert value(known, rows.labels, confident) == pytest.approx(wrong)
    assert value(known, rows.labels, rows.candidate) < wrong / 3


@pytest.mark.parametrize(("task", "name"), CASES)
def test_an_answer_that_is_no_number_is_no_metric(task: Task, name: str) -> None:
    rows = SIMULATED[task](0, rows=100)
    rows.candidate.flat[0] = np.nan
    found = metric(name, task, rows.classes)
    assert np.isnan(value(found, rows.labels, rows.candidate, rows.classes))


def test_a_class_that_does_not_occur_has_no_recall_and_no_part_in_the_mean() -> None:
    labels, answers = np.array([0.0, 1.0]), np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])
    recall = metric("recall/blue", Task.MULTICLASS, CLASSES)
    assert np.isnan(value(recall, labels, answers, CLASSES))
    assert value(metric("macro_f1", Task.MULTICLASS), labels, answers, CLASSES) == 1.0
