"""Losses of rows: metrics that are the mean of a value that each row has.

Labels are float64 [n]: 0 or 1, the index of a class, or a number. Answers are float64 [n], or for
several classes their probabilities, [n, classes].
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Floats, Floats, float], Floats]
EPSILON = 1e-7  # Keras' epsilon: predictions are kept that far from 0 and 1
EVEN = 0.5


def row_losses(family: str, labels: Floats, answers: Floats, argument: float = 0.0) -> Floats:
    """Returns the value of each row, shape [n]; NaN where an answer is not a number.

    Args:
        family: The metric, one of `LOSSES`.
        labels: Shape [n].
        answers: Shape [n], or [n, classes].
        argument: The argument of the metric.
    """
    finite = np.isfinite(answers) if answers.ndim == 1 else np.isfinite(answers).all(axis=1)
    return np.where(finite, LOSSES[family](labels, answers, argument), np.nan)


def log_losses(labels: Floats, probabilities: Floats) -> Floats:
    """Returns the log loss of each row, shape [n]; probabilities as answers above."""
    kept = np.clip(probabilities, EPSILON, 1 - EPSILON)
    if kept.ndim > 1:
        return -np.log(of_label(labels, kept))
    return -(labels * np.log(kept) + (1 - labels) * np.log1p(-kept))


def of_label(labels: Floats, probabilities: Floats) -> Floats:
    """Returns the probability of each row's class, shape [n]."""
    return np.take_along_axis(probabilities, labels.astype(np.int64)[:, np.newaxis], 1)[:, 0]


def ranks(labels: Floats, probabilities: Floats) -> NDArray[np.int64]:
    """Returns how many classes are more probable than each row's own, shape [n]."""
    return (probabilities > of_label(labels, probabilities)[:, np.newaxis]).sum(axis=1)


def _brier(labels: Floats, answers: Floats, _: float) -> Floats:
    """Returns the squared error; of several classes, its sum over them, from 0 to 2."""
    if answers.ndim == 1:
        return (answers - labels) ** 2
    return ((answers - np.eye(answers.shape[1])[labels.astype(np.int64)]) ** 2).sum(axis=1)


def _accuracy(labels: Floats, answers: Floats, _: float) -> Floats:
    """Returns 1 for a right class; of equally probable ones, the first is predicted."""
    if answers.ndim == 1:
        return np.where(labels == 1, answers > EVEN, answers < EVEN).astype(np.float64)
    return (answers.argmax(axis=1) == labels).astype(np.float64)


def _top_k(labels: Floats, answers: Floats, k: float) -> Floats:
    return (ranks(labels, answers) < k).astype(np.float64)


def _quantile_loss(labels: Floats, answers: Floats, share: float) -> Floats:
    """Returns Koenker and Bassett's loss ("Regression Quantiles", 1978), also called pinball."""
    return np.maximum(share * (labels - answers), (share - 1) * (labels - answers))


LOSSES: Mapping[str, Loss] = {
    "log_loss": lambda labels, answers, _: log_losses(labels, answers),
    "brier": _brier,
    "accuracy": _accuracy,
    "top_{k}_accuracy": _top_k,
    "mae": lambda labels, answers, _: np.abs(answers - labels),
    "mean_error": lambda labels, answers, _: answers - labels,
    "quantile_loss_{q}": _quantile_loss,
    "squared_error": lambda labels, answers, _: (answers - labels) ** 2,
}
