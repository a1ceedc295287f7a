"""Metrics of a model as functions of the weights of its rows: resampling is weighting anew."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from evergreen.evaluation.losses import LOSSES, Floats, row_losses
from evergreen.settings.metrics import Metric, metric, plain
from evergreen.settings.task import Task

CALIBRATION_BINS = 10
Weighted = Callable[[Floats], Floats]
"""A metric as a function of rows' weights: from [resamples, n] to [resamples]."""


def value(of: Metric, labels: Floats, answers: Floats, classes: Sequence[str] = ()) -> float:
    """Returns a metric of a model; NaN if it is not defined.

    Args:
        of: The metric.
        labels: Shape [n], as in `losses.py`.
        answers: Shape [n] or [n, classes].
        classes: The names of the classes.
    """
    if of.family in LOSSES:
        argument = float(of.argument or 0)
        return float(row_losses(of.family, labels, answers, argument).mean())
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(weighted(of, labels, answers, classes)(np.ones((1, len(labels))))[0])


def measure(
    task: Task, labels: Floats, answers: Floats, classes: Sequence[str] = ()
) -> dict[str, float]:
    """Returns the metrics of a task that take no argument, by name; arguments as above."""
    return {
        name: value(metric(name, task, classes), labels, answers, classes) for name in plain(task)
    }


def weighted(
    metric: Metric, labels: Floats, answers: Floats, classes: Sequence[str] = ()
) -> Weighted:
    """Returns a metric of `WEIGHTED` as a function of rows' weights; arguments as above."""
    if not np.isfinite(answers).all():
        return lambda weights: np.full(len(weights), np.nan)
    at = classes.index(metric.argument) if metric.argument else 0
    return WEIGHTED[metric.family](labels, answers, at)


def mean_of(losses: Floats) -> Weighted:
    """Returns the mean of losses of shape [n] as a function of their weights."""
    return lambda weights: weights @ losses / weights.sum(axis=1)


class Ranking:
    """Rows sorted by a model's scores, so that an area under the ROC curve is a sum over them."""

    def __init__(self, labels: Floats, scores: Floats) -> None:
        """Sorts once, for any number of weights.

        Args:
            labels: 0 or 1, shape [n].
            scores: Shape [n].
        """
        self._finite = bool(np.isfinite(scores).all())
        self._order = np.argsort(scores, kind="stable")
        self._labels = labels[self._order]
        self._starts = np.flatnonzero(np.diff(scores[self._order], prepend=-np.inf))

    def areas(self, weights: Floats) -> Floats:
        """Returns weighted areas under the ROC curve, ties counted half.

        Args:
            weights: Shape [resamples, n].

        Returns:
            Shape [resamples]; NaN where a class has no weight, or a score is not finite.
        """
        if not self._finite:
            return np.full(len(weights), np.nan)
        ordered = weights[:, self._order]
        positives = np.add.reduceat(ordered * self._labels, self._starts, axis=1)
        negatives = np.add.reduceat(ordered * (1 - self._labels), self._starts, axis=1)
        below = np.cumsum(negatives, axis=1) - negatives / 2
        with np.errstate(invalid="ignore"):
            pairs = positives.sum(axis=1) * negatives.sum(axis=1)
            return (positives * below).sum(axis=1) / pairs


def counted(places: NDArray[np.int64], count: int, values: Floats | float = 1.0) -> Weighted:
    """Returns sums of weighted values by place: a function from [resamples, n] to [..., count].

    Args:
        places: The place of each row, shape [n].
        count: The number of places.
        values: Of each row, shape [n].
    """
    rows = np.arange(len(places))
    filled = np.broadcast_to(values, len(places))
    into = csr_array((filled, (places, rows)), shape=(count, len(places)))
    return lambda weights: (into @ weights.T).T


def _rmse(labels: Floats, answers: Floats, _: int) -> Weighted:
    mean = mean_of(row_losses("squared_error", labels, answers))
    return lambda weights: np.sqrt(mean(weights))


def _r2(labels: Floats, answers: Floats, _: int) -> Weighted:
    """Returns the share of the labels' variance that is explained."""
    centred = labels - labels.mean()
    errors = mean_of((answers - labels) ** 2)
    squares, means = mean_of(centred**2), mean_of(centred)
    return lambda weights: 1 - errors(weights) / (squares(weights) - means(weights) ** 2)


def _confusion(labels: Floats, answers: Floats) -> tuple[Weighted, Weighted, Weighted]:
    """Returns functions for the weight of right rows, of rows and of predictions, by class."""
    count, actual, predicted = answers.shape[1], labels.astype(np.int64), answers.argmax(axis=1)
    right = counted(actual, count, (actual == predicted).astype(np.float64))
    return right, counted(actual, count), counted(predicted, count)


def _macro_f1(labels: Floats, answers: Floats, _: int) -> Weighted:
    """Returns the mean F1 of the classes that occur, as labels or as predictions."""
    right, actual, predicted = _confusion(labels, answers)
    return lambda weights: np.nanmean(
        2 * right(weights) / (actual(weights) + predicted(weights)), axis=1
    )


def _recall(labels: Floats, answers: Floats, at: int) -> Weighted:
    right, actual, _ = _confusion(labels, answers)
    return lambda weights: (right(weights) / actual(weights))[:, at]


def _precision(labels: Floats, answers: Floats, at: int) -> Weighted:
    right, _, predicted = _confusion(labels, answers)
    return lambda weights: (right(weights) / predicted(weights))[:, at]


def _calibration(labels: Floats, answers: Floats, _: int) -> Weighted:
    return lambda weights: weights @ answers / (weights @ labels)


def _calibration_error(labels: Floats, answers: Floats, _: int) -> Weighted:
    """Returns the expected calibration error: of several classes, that of the predicted one."""
    if answers.ndim > 1:
        labels, answers = (answers.argmax(axis=1) == labels).astype(float), answers.max(axis=1)
    places = np.minimum((answers * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    apart = counted(places, CALIBRATION_BINS, answers - labels)
    return lambda weights: np.abs(apart(weights)).sum(axis=1) / weights.sum(axis=1)


WEIGHTED: Mapping[str, Callable[[Floats, Floats, int], Weighted]] = {
    "auc": lambda labels, answers, _: Ranking(labels, answers).areas,
    "calibration": _calibration,
    "calibration_error": _calibration_error,
    "macro_f1": _macro_f1,
    "recall/{class}": _recall,
    "precision/{class}": _precision,
    "rmse": _rmse,
    "r2": _r2,
}
"""The metrics that are not the mean of losses."""
