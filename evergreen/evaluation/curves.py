"""ROC curve and calibration of a model, small enough for a report."""

import math

import numpy as np

from evergreen.evaluation.bootstrap import Floats
from evergreen.runs.reports.model import Bin, Curves

POINTS = 200
BINS = 10


def draw(labels: Floats, probabilities: Floats) -> Curves | None:
    """Returns the curves of a model; None if an answer is not a number.

    Args:
        labels: 0 or 1, shape [n].
        probabilities: Shape [n].
    """
    if not len(labels) or not np.isfinite(probabilities).all():
        return None
    return Curves(roc=_roc(labels, probabilities), calibration=_calibration(labels, probabilities))


def _roc(labels: Floats, scores: Floats) -> list[tuple[float, float]]:
    order = np.argsort(-scores, kind="stable")
    # Rows with the same score are one step of the curve.
    ends = np.flatnonzero(np.diff(scores[order], append=-math.inf))
    positives = np.cumsum(labels[order])[ends]
    negatives = ends + 1 - positives
    if not positives[-1] or not negatives[-1]:
        return []
    kept = np.unique(np.linspace(0, len(ends) - 1, POINTS).round().astype(int))
    rates = zip(negatives[kept] / negatives[-1], positives[kept] / positives[-1], strict=True)
    return [(0.0, 0.0), *((round(float(x), 5), round(float(y), 5)) for x, y in rates)]


def _calibration(labels: Floats, probabilities: Floats) -> list[Bin]:
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    return [_bin(labels[part], probabilities[part]) for part in bins]


def _bin(labels: Floats, probabilities: Floats) -> Bin:
    from scipy.stats import binomtest

    test = binomtest(int(labels.sum()), len(labels))
    interval = test.proportion_ci(method="wilson")
    return Bin(
        predicted=float(probabilities.mean()),
        observed=float(labels.mean()),
        low=float(interval.low),
        high=float(interval.high),
        rows=len(labels),
    )
