"""What charts show of a model, small enough for a report."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evergreen.evaluation.losses import Floats
from evergreen.runs.reports.model import Bin, Curves, Histogram, Joint
from evergreen.settings.task import Task

Places = NDArray[np.int64]

POINTS = 200
BINS = 10
CELLS = 30
"""The bins of labels, of predictions, and of residuals."""
TAIL = 0.005
"""The share of values on either side that the outer bins hold."""
SHOWN_CLASSES = 20


def draw(
    labels: Floats, answers: Floats, task: Task = Task.BINARY, classes: Sequence[str] = ()
) -> Curves | None:
    """Returns the curves of a model; None if an answer is not a number.

    Args:
        labels: Labels of the task, shape [n].
        answers: Shape [n] or [n, classes].
        task: The model's task.
        classes: The names of the classes.
    """
    if not len(labels) or not np.isfinite(answers).all():
        return None
    if task is Task.MULTICLASS:
        return _of_classes(labels.astype(np.int64), answers, classes)
    calibration = _calibration(labels, answers, is_share=task is Task.BINARY)
    if task is Task.BINARY:
        return Curves(roc=_roc(labels, answers), calibration=calibration)
    edges = _edges(np.concatenate([labels, answers]))
    joint, _, _ = np.histogram2d(_within(labels, edges), _within(answers, edges), [edges, edges])
    return Curves(
        calibration=calibration,
        joint=Joint(edges=edges.tolist(), counts=joint.astype(int).tolist()),
        residuals=_histogram(answers - labels),
    )


def _of_classes(labels: Places, answers: Floats, classes: Sequence[str]) -> Curves:
    rows = np.bincount(labels, minlength=len(classes))
    shown = np.sort(np.argsort(-rows, kind="stable")[:SHOWN_CLASSES])
    cells, counts = np.unique(
        np.stack([labels, answers.argmax(axis=1)]), axis=1, return_counts=True
    )
    confusion: dict[str, dict[str, int]] = {}
    for actual, predicted, count in zip(*cells, counts.tolist(), strict=True):
        confusion.setdefault(classes[actual], {})[classes[predicted]] = count
    reliability = {
        classes[at]: _calibration((labels == at).astype(float), answers[:, at]) for at in shown
    }
    return Curves(reliability=reliability, confusion=confusion)


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


def _calibration(labels: Floats, answers: Floats, is_share: bool = True) -> list[Bin]:
    """Returns bins with equal numbers of rows; labels that are no share have means."""
    order = np.argsort(answers, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    return [_bin(labels[part], answers[part], is_share) for part in bins]


def _bin(labels: Floats, answers: Floats, is_share: bool) -> Bin:
    low, high = _share_interval(labels) if is_share else _mean_interval(labels)
    return Bin(
        predicted=float(answers.mean()),
        observed=float(labels.mean()),
        low=low,
        high=high,
        rows=len(labels),
    )


def _share_interval(labels: Floats) -> tuple[float, float]:
    from scipy.stats import binomtest

    test = binomtest(int(labels.sum()), len(labels))
    interval = test.proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _mean_interval(labels: Floats) -> tuple[float, float]:
    from scipy.stats import t

    mean, rows = float(labels.mean()), len(labels)
    if rows == 1:
        return mean, mean
    reach = float(t.ppf(0.975, rows - 1) * labels.std(ddof=1) / math.sqrt(rows))
    return mean - reach, mean + reach


def _histogram(values: Floats) -> Histogram:
    edges = _edges(values)
    counts, _ = np.histogram(_within(values, edges), edges)
    return Histogram(edges=edges.tolist(), counts=counts.tolist())


def _edges(values: Floats) -> Floats:
    """Returns the edges of bins of equal width, without the tails."""
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    least = max(1.0, abs(low) * 1e-6)
    if low == high:
        low, high = low - least / 2, high + least / 2
    return np.linspace(low, high, CELLS + 1)


def _within(values: Floats, edges: Floats) -> Floats:
    return np.clip(values, edges[0], edges[-1])
