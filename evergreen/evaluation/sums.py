"""Metrics of classes and of values from sums over rows, with confidence intervals.

Rows are dealt into GROUPS at random, and what a metric needs of them is added up by group. The size
of the sums does not depend on the number of rows, and they can be added; a metric is a function of
them, so it is exact. For its interval the groups are drawn again: a bootstrap of random groups of
rows (Kleiner et al., "A Scalable Bootstrap for Massive Data", 2014, gives the idea).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from evergreen.evaluation.losses import LOSSES as ROW_LOSSES
from evergreen.evaluation.losses import Floats, log_losses, row_losses
from evergreen.evaluation.metrics import interval_of
from evergreen.evaluation.weighted import CALIBRATION_BINS
from evergreen.settings.metrics import metric
from evergreen.settings.task import Task

Groups = NDArray[np.int64]
GROUPS = 200
"""A standard error from so many groups is itself off by 5 %."""
Parts = Callable[[Floats, Floats], Floats]
"""From labels [n] and answers [n] or [n, k] to what is added up of each row, [n] or [n, m]."""


@dataclass(frozen=True)
class Rule:
    """A metric as a function of sums.

    Attributes:
        add: From labels [n], answers [n] or [n, k], and groups [n] to sums by group, [GROUPS, m].
        value: From means, which are sums by the number of rows, [..., m] to the metric, [...].
    """

    add: Callable[[Floats, Floats, Groups], Floats]
    value: Callable[[Floats], Floats]


class Sums:
    """The sums of one metric.

    Args:
        rule: How the metric follows from them.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._rows = np.zeros(GROUPS)
        self._sums: Floats = np.zeros(1)

    @classmethod
    def of(cls, name: str, task: Task, classes: Sequence[str] = ()) -> Self:
        """Returns no rows yet.

        Raises:
            ValueError: If it is no metric of a multiclass or regression model.
        """
        found = metric(name, task, classes)
        if found.family in ROW_LOSSES:
            argument = float(found.argument or 0)
            return cls(_by_row(partial(_losses, found.family, argument)))
        return cls(RULES[task][found.family](found.argument, classes))

    def add(self, labels: Floats, answers: Floats, groups: Groups) -> None:
        """Adds rows, all finite."""
        self._rows = self._rows + np.bincount(groups, minlength=GROUPS)
        self._sums = self._sums + self._rule.add(labels, answers, groups)

    def measure(
        self, resamples: int, level: float, seed: int = 0
    ) -> tuple[float, tuple[float, float]]:
        """Returns the metric and its basic bootstrap interval; NaN where it is not defined.

        Args:
            resamples: Bootstrap resamples.
            level: The level of the interval, such as 0.95.
            seed: The seed of the resampling.
        """
        used = self._rows > 0
        weights = np.random.default_rng(seed).poisson(1.0, (resamples, int(used.sum())))
        with np.errstate(invalid="ignore", divide="ignore"):
            value = float(self._rule.value(self._sums.sum(axis=0) / self._rows.sum()))
            rows = (weights @ self._rows[used])[:, np.newaxis]
            values = self._rule.value(weights @ self._sums[used] / rows)
        return value, interval_of(value, values, level)


def _by_row(parts: Parts, value: Callable[[Floats], Floats] = lambda means: means[..., 0]) -> Rule:
    def add(labels: Floats, answers: Floats, groups: Groups) -> Floats:
        rows = parts(labels, answers).reshape(len(labels), -1)
        return np.stack([np.bincount(groups, part, GROUPS) for part in rows.T], axis=1)

    return Rule(add, value)


def _losses(family: str, argument: float, labels: Floats, answers: Floats) -> Floats:
    return row_losses(family, labels, answers, argument)


def _calibration_gaps(labels: Floats, answers: Floats) -> Floats:
    """Returns confidence less correctness in the bin of the confidence, [n, CALIBRATION_BINS]."""
    top = answers.max(axis=1)
    bins = np.minimum((top * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return (top - row_losses("accuracy", labels, answers))[:, np.newaxis] * np.eye(
        CALIBRATION_BINS
    )[bins]


def _f1(classes: Sequence[str]) -> Rule:
    """Macro F1: the mean over the classes that occur, as labels or predictions."""
    size = len(classes)

    def add(labels: Floats, answers: Floats, groups: Groups) -> Floats:
        actual, predicted = labels.astype(np.int64), answers.argmax(axis=1)
        hit = (actual == predicted).astype(np.float64)
        counts = (
            np.bincount(groups * size + places, weights, GROUPS * size).reshape(GROUPS, size)
            for places, weights in ((actual, hit), (actual, None), (predicted, None))
        )
        return np.concatenate(list(counts), axis=1)

    def value(means: Floats) -> Floats:
        hits, actual, predicted = np.split(means, 3, axis=-1)
        return np.nanmean(2 * hits / (actual + predicted), axis=-1)

    return Rule(add, value)


def _share(place: int, classes: Sequence[str], name: str) -> Rule:
    """Recall (place 0) or precision (place 1) of a class."""
    wanted = list(classes).index(name)

    def parts(labels: Floats, answers: Floats) -> Floats:
        of_class = np.stack([labels == wanted, answers.argmax(axis=1) == wanted], axis=1)
        return np.stack([of_class.all(axis=1), of_class[:, place]], axis=1).astype(np.float64)

    return _by_row(parts, lambda means: means[..., 0] / means[..., 1])


def _squares(labels: Floats, answers: Floats) -> Floats:
    return np.stack([(answers - labels) ** 2, labels, labels**2], axis=1)


def _r2(means: Floats) -> Floats:
    return 1 - means[..., 0] / (means[..., 2] - means[..., 1] ** 2)


RULES: Mapping[Task, Mapping[str, Callable[[str, Sequence[str]], Rule]]] = {
    Task.MULTICLASS: {
        "calibration_error": lambda _, __: _by_row(
            _calibration_gaps, lambda means: np.abs(means).sum(axis=-1)
        ),
        "macro_f1": lambda _, classes: _f1(classes),
        "recall/{class}": lambda name, classes: _share(0, classes, name),
        "precision/{class}": lambda name, classes: _share(1, classes, name),
    },
    Task.REGRESSION: {
        "rmse": lambda _, __: _by_row(
            lambda labels, answers: (answers - labels) ** 2, lambda means: np.sqrt(means[..., 0])
        ),
        "r2": lambda _, __: _by_row(_squares, _r2),
    },
}
"""Rules of metrics that are no mean of losses, by family, from its argument and the classes."""
LOSSES: Mapping[Task, tuple[str, Parts]] = {
    Task.BINARY: ("log loss", log_losses),
    Task.MULTICLASS: ("log loss", log_losses),
    Task.REGRESSION: ("absolute error", partial(_losses, "mae", 0.0)),
}
"""The loss of each row, by which models are compared on the same rows, with its name."""
