"""What a model has answered, accumulated by task, and how far that is from what it answered before.

Scores and the probability of the predicted class are counted in the cells of the evaluation, and
compared in the deciles of the earlier ones; classes are counted by name; of values, TFDV's sketch
keeps the quantiles.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa

from evergreen.evaluation.distances import Distance, distances, divergence, of_cells
from evergreen.evaluation.metrics import BINS, Counts, bins
from evergreen.monitoring.columns import Floats
from evergreen.monitoring.form import Form, finite
from evergreen.monitoring.statistics import Statistics
from evergreen.quality.names import clipped
from evergreen.quality.samples import of_histogram
from evergreen.quality.statistics import Feature, features
from evergreen.settings.task import Task
from evergreen.texts import percent

VALUES = "values"


class Answered(ABC):
    """The answers of a window, or of an evaluation.

    Attributes:
        rows: Their number.
    """

    rows: int = 0

    def add(self, answers: Floats) -> None:
        """Adds answers of shape [n] or [n, k]; those that are not finite do not count."""
        known = answers[finite(answers)]
        self.rows += len(known)
        self._add(known)

    @abstractmethod
    def _add(self, answers: Floats) -> None: ...

    @abstractmethod
    def distances(self, before: Self, level: float) -> Mapping[str, Distance]:
        """Returns the distances from earlier answers, by what is compared; of as many in all."""


class Scores(Answered):
    """Probabilities of label 1, as rows by bin, shape [BINS]."""

    def __init__(self, counts: Counts | None = None) -> None:
        self.counts = np.zeros(BINS, np.int64) if counts is None else counts
        self.rows = int(self.counts.sum())

    def _add(self, answers: Floats) -> None:
        self.counts = self.counts + np.bincount(bins(answers), minlength=BINS)

    def distances(self, before: Self, level: float) -> Mapping[str, Distance]:
        """As in `Answered`."""
        return {"scores": of_cells(before.counts, self.counts, level)}


class Classes(Answered):
    """Predicted classes, as rows by class, and their probabilities, as rows by bin.

    Args:
        names: The classes.
        counts: The rows of each, shape [k].
        tops: The rows of each bin, shape [BINS]; not known if only `counts` is given.
    """

    def __init__(
        self, names: Sequence[str], counts: Counts | None = None, tops: Counts | None = None
    ) -> None:
        self._names = names
        self.counts = np.zeros(len(names), np.int64) if counts is None else counts
        self.tops = np.zeros(BINS, np.int64) if counts is None else tops
        self.rows = int(self.counts.sum())

    def _add(self, answers: Floats) -> None:
        self.counts = self.counts + np.bincount(answers.argmax(axis=1), minlength=len(self._names))
        if self.tops is not None:
            self.tops = self.tops + np.bincount(bins(answers.max(axis=1)), minlength=BINS)

    def distances(self, before: Self, level: float) -> Mapping[str, Distance]:
        """As in `Answered`."""
        level = 1 - (1 - level) / 2
        measured = divergence(before.counts, self.counts, level)
        old, new = (side.counts / max(side.rows, 1) for side in (before, self))
        most = int(np.abs(new - old).argmax())
        change = f"went from {percent(old[most])} to {percent(new[most])}"
        detail = f"{clipped(self._names[most])} {change}"
        found = {"classes": Distance(measured.value, measured.noise, False, detail)}
        if before.tops is not None and self.tops is not None:
            found["top probability"] = of_cells(before.tops, self.tops, level)
        return found


class Values(Answered):
    """Values, as TFDV's statistics of one feature."""

    def __init__(self, feature: Feature | None = None) -> None:
        self._statistics = Statistics()
        self._feature = feature
        self.rows = feature.present if feature else 0

    def _add(self, answers: Floats) -> None:
        self._statistics.add({VALUES: pa.array(answers, pa.float32())})

    @classmethod
    def of(cls, edges: Sequence[float], counts: Counts) -> Self:
        """Returns the values of a histogram with these edges, [n + 1], and counts, [n]."""
        rows = int(counts.sum())
        middles = (np.array(edges[:-1]) + edges[1:]) / 2
        mean = float(middles @ counts / max(rows, 1))
        return cls(of_histogram(VALUES, np.array(edges), counts, mean, rows))

    @cached_property
    def feature(self) -> Feature:
        """The distribution; there must be a row. TFDV's sketch ends with it: no row can follow."""
        return self._feature or features(self._statistics.result().datasets[0])[VALUES]

    def distances(self, before: Self, level: float) -> Mapping[str, Distance]:
        """As in `Answered`."""
        return distances([{VALUES: before.feature}], {VALUES: self.feature}, level)


def answered(form: Form) -> Answered:
    """Returns no answers yet of a model."""
    if form.task is Task.MULTICLASS:
        return Classes(form.classes)
    return Values() if form.task is Task.REGRESSION else Scores()
