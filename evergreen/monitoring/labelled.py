"""Predictions with labels, accumulated by slice of the traffic."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from evergreen.evaluation.metrics import BINS, Counts, histogram, measure, why_undefined
from evergreen.evaluation.slices import MOST, most_frequent, parts
from evergreen.evaluation.sums import GROUPS, Groups, Sums
from evergreen.monitoring.form import Form, finite
from evergreen.quality.names import clipped
from evergreen.runs.reports.model import ALL_ROWS
from evergreen.settings.monitoring import TFMA, MetricRule
from evergreen.settings.slicing import Slicing
from evergreen.settings.task import Task

Floats = NDArray[np.float64]
Interval = tuple[float, float]


class Scored(Protocol):
    """Predictions with labels of a slice, as its metrics need them."""

    @property
    def rows(self) -> int:
        """Their number."""

    def add(self, labels: Floats, answers: Floats, groups: Groups) -> None:
        """Adds rows, all finite; each belongs to a random group."""

    def measure(self, metric: str, resamples: int, level: float) -> tuple[float, Interval]:
        """Returns a metric and its confidence interval; NaN where it is not defined."""

    def why_undefined(self, metric: str, value: float, interval: Interval) -> str:
        """Returns why a metric cannot be judged; empty if it can."""


class Histogram:
    """Rows of a binary model by label and bin of the score, `counts` of shape [2, BINS]."""

    def __init__(self) -> None:
        self.counts: Counts = np.zeros((2, BINS), np.int64)

    @property
    def rows(self) -> int:
        """As in `Scored`."""
        return int(self.counts.sum())

    def add(self, labels: Floats, answers: Floats, groups: Groups) -> None:
        """As in `Scored`."""
        self.counts += histogram(labels, answers)

    def measure(self, metric: str, resamples: int, level: float) -> tuple[float, Interval]:
        """As in `Scored`."""
        return measure(self.counts, metric, resamples, level)

    def why_undefined(self, metric: str, value: float, interval: Interval) -> str:
        """As in `Scored`."""
        negatives, positives = (int(count) for count in self.counts.sum(axis=1))
        if why := why_undefined(metric.removeprefix(TFMA), negatives, positives, value):
            return why
        if not np.isfinite(interval).all():
            return f"not defined on parts of the rows, {positives:,} of {self.rows:,} labels are 1"
        return ""


class Summed:
    """Rows of another model as the sums of each metric."""

    def __init__(self, form: Form, rules: Sequence[MetricRule]) -> None:
        self.rows: int = 0
        names = {rule.metric for rule in rules}
        self._sums = {name: Sums.of(name, form.task, form.classes) for name in names}

    def add(self, labels: Floats, answers: Floats, groups: Groups) -> None:
        """As in `Scored`."""
        self.rows += len(labels)
        for sums in self._sums.values():
            sums.add(labels, answers, groups)

    def measure(self, metric: str, resamples: int, level: float) -> tuple[float, Interval]:
        """As in `Scored`."""
        return self._sums[metric].measure(resamples, level)

    def why_undefined(self, metric: str, value: float, interval: Interval) -> str:
        """As in `Scored`."""
        if not np.isfinite(value):
            return f"not defined, it came out as {value} on {self.rows:,} rows"
        return "" if np.isfinite(interval).all() else "not defined on parts of the rows"


class Labelled:
    """Predictions with labels, accumulated batch by batch.

    Args:
        slicings: The ways to slice them.
        form: The form of labels and answers.
        rules: The rules with the metrics to measure.

    Attributes:
        slices: The rows of all rows and of each slice.
        rows: Predictions, with labels or without.
        delay: Sum of the labels' delays, in seconds.
        longest: The longest of them.
        cut: Features with more values than are kept.
    """

    def __init__(
        self, slicings: Sequence[Slicing], form: Form, rules: Sequence[MetricRule]
    ) -> None:
        self._slicings = slicings
        self.form = form
        self.rules = rules
        self._chance = np.random.default_rng(0)
        self.slices: dict[str, Scored] = {}
        self.rows = 0
        self.delay = self.longest = 0.0
        self.cut: set[str] = set()

    def add(
        self, labels: Floats, answers: Floats, delays: Floats, columns: Mapping[str, pa.Array]
    ) -> None:
        """Adds a batch.

        Args:
            labels: NaN without a label, shape [n].
            answers: NaN without a prediction, shape [n] or [n, k].
            delays: The labels' delays, in seconds, shape [n].
            columns: The features to slice by, shape [n].
        """
        self.rows += len(labels)
        known = np.isfinite(labels) & finite(answers)
        if not known.any():
            return
        self.delay += float(delays[known].sum())
        self.longest = max(self.longest, float(delays[known].max()))
        labels, answers = labels[known], answers[known]
        groups = self._chance.integers(0, GROUPS, len(labels))
        self._count(ALL_ROWS, labels, answers, groups)
        for slicing in self._slicings:
            column = columns[slicing.feature].filter(pa.array(known))
            if _is_by_value(slicing) and pc.count_distinct(column, mode="all").as_py() > MOST:
                self.cut.add(slicing.feature)
            for name, mask in masks(slicing, column):
                self._count(name, labels[mask], answers[mask], groups[mask])
            self._forget(slicing)

    @property
    def labelled(self) -> int:
        """The number of predictions with labels."""
        return self.slices[ALL_ROWS].rows if self.slices else 0

    def _count(self, name: str, labels: Floats, answers: Floats, groups: Groups) -> None:
        if name not in self.slices:
            is_binary = self.form.task is Task.BINARY
            self.slices[name] = Histogram() if is_binary else Summed(self.form, self.rules)
        self.slices[name].add(labels, answers, groups)

    def _forget(self, slicing: Slicing) -> None:
        """Keeps the most frequent of many slices, since clients can make up values."""
        parts = [name for name in self.slices if name.startswith(f"{slicing.feature} ")]
        if len(parts) <= MOST:
            return
        self.cut.add(slicing.feature)
        ranked = sorted(parts, key=lambda name: -self.slices[name].rows)
        for name in ranked[MOST:]:
            del self.slices[name]


def masks(slicing: Slicing, column: pa.Array) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yields the slices of a column, as name and mask of shape [n], reading each value once.

    Of many values, only the most frequent ones have a slice.
    """
    encoded = column.dictionary_encode()
    places = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    counts = np.bincount(places, minlength=len(encoded.dictionary) + 1)
    kept = np.flatnonzero(counts)
    if _is_by_value(slicing):
        kept = kept[most_frequent(counts[kept])]
    values = pa.concat_arrays([encoded.dictionary, pa.nulls(1, column.type)]).take(pa.array(kept))
    place_of = np.full(len(counts), len(kept))
    place_of[kept] = np.arange(len(kept))
    plain = [_plain(value) for value in values.to_pylist()]
    for name, mask in parts(slicing, {slicing.feature: plain}):
        yield name, np.append(mask, False)[place_of[places]]


def _is_by_value(slicing: Slicing) -> bool:
    return not slicing.edges and not slicing.known


def _plain(value: bytes | float | None) -> str | float | None:
    return clipped(value.decode(errors="replace")) if isinstance(value, bytes) else value
