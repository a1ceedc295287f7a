"""The curves that a report shows are right."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from evergreen.evaluation.curves import draw
from tests.unit.evaluation.simulated import simulate


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
