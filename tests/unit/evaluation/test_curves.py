"""The curves that a report shows are right."""

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from evergreen.evaluation.curves import draw
from evergreen.settings.task import Task
from tests.unit.evaluation.simulated import simulate, simulate_classes, simulate_numbers


def test_the_roc_curve_is_that_of_scikit_learn() -> None:
    rows = simulate(3, rows=5000)
    curves = draw(rows.labels, rows.candidate)
    assert curves is not None
    x, y = np.array(curves.roc).T
    assert (curves.roc[0], curves.roc[-1]) == ((0, 0), (1, 1))
    assert len(x) <= 201
    points = zip(*roc_curve(rows.labels, rows.candidate, drop_intermediate=False)[:2], strict=True)
    assert set(curves.roc) <= {(round(float(a), 5), round(float(b), 5)) for a, b in points}
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(rows.labels, rows.candidate), abs=2e-3)


def test_calibration_bins_hold_all_rows_and_the_truth() -> None:
    random = np.random.default_rng(0)
    told = random.random(20_000)
    curves = draw((random.random(20_000) < told).astype(float), told)
    assert curves is not None
    assert sum(bucket.rows for bucket in curves.calibration) == 20_000
    within = [bucket.low <= bucket.predicted <= bucket.high for bucket in curves.calibration]
    assert sum(within) >= len(within) - 2


def test_answers_that_are_no_numbers_have_no_curves() -> None:
    assert draw(np.array([0.0, 1.0]), np.array([0.5, math.nan])) is None


def test_a_model_of_classes_has_a_confusion_matrix_and_reliability_by_class() -> None:
    rows = simulate_classes(0, rows=3000)
    curves = draw(rows.labels, rows.candidate, rows.task, rows.classes)
    assert curves is not None
    expected = confusion_matrix(rows.labels, rows.candidate.argmax(axis=1))
    for actual, row in enumerate(expected):
        for predicted, count in enumerate(row):
            found = curves.confusion[rows.classes[actual]].get(rows.classes[predicted], 0)
            assert found == count
    assert list(curves.reliability) == list(rows.classes)
    for at, bins in enumerate(curves.reliability.values()):
        assert sum(part.rows for part in bins) == 3000
        share = sum(part.observed * part.rows for part in bins) / 3000
        assert share == pytest.approx((rows.labels == at).mean())


def test_of_many_classes_the_most_frequent_ones_are_drawn() -> None:
    labels = np.arange(400) % 40.0
    labels[:100] = 7.0
    answers = np.full((400, 40), 1 / 40)
    classes = [f"class {at}" for at in range(40)]
    curves = draw(labels, answers, Task.MULTICLASS, classes)
    assert curves is not None
    assert len(curves.reliability) == 20
    assert "class 7" in curves.reliability


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e12])
def test_a_regression_has_labels_beside_predictions_and_residuals(scale: float) -> None:
    rows = simulate_numbers(0, rows=2000)
    labels, answers = rows.labels * scale, rows.candidate * scale
    curves = draw(labels, answers, Task.REGRESSION)
    assert curves is not None
    assert curves.joint is not None
    assert curves.residuals is not None
    assert np.sum(curves.joint.counts) == sum(curves.residuals.counts) == 2000
    for part in curves.calibration:
        assert part.low <= part.observed <= part.high
    means = [part.predicted for part in curves.calibration]
    assert means == sorted(means)
    same = draw(np.full(10, scale), np.full(10, scale), Task.REGRESSION)
    assert same is not None
    assert same.residuals is not None
    assert sum(same.residuals.counts) == 10
