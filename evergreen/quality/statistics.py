"""TFDV's statistics of a feature, brought into a form that can be drawn and compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

STANDARD, QUANTILES = statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES
INTEGER = statistics_pb2.FeatureNameStatistics.INT
HEAVY = 0.8
"""A histogram with more than this share of the rows in one bucket shows nothing of them."""
TAIL = 0.9
"""What is shown of such a feature: all up to this quantile."""
IDENTIFIER = 0.9
"""Text with more different values than this share of the rows is an identifier."""


@dataclass(frozen=True)
class Histogram:
    """How often a number has which value.

    Attributes:
        edges: Shape [n + 1], rising.
        density: Share of the rows by unit of the feature, shape [n].
    """

    edges: NDArray[np.float64]
    density: NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """One feature of a split.

    Attributes:
        name: Its name.
        missing: The share of the rows without a value.
        present: How many rows have one.
        numeric: TFDV's statistics of a number, else None.
        text: TFDV's statistics of a text, else None.
        rows: All rows of the split.
    """

    name: str
    missing: float
    present: int
    is_integer: bool
    numeric: Any = None
    text: Any = None
    rows: int = 0

    @property
    def absent(self) -> int:
        """How many rows have no value."""
        return self.rows - self.present

    @property
    def is_identifier(self) -> bool:
        """Whether nearly every row has another value."""
        return self.text is not None and self.text.unique > IDENTIFIER * max(self.present, 2)

    @property
    def has_tail(self) -> bool:
        """Whether few large values would squeeze all others into one bucket."""
        counts = _counts(self._buckets(STANDARD))
        return (
            bool(len(counts) and counts.max() > HEAVY * counts.sum()) and self.numeric.std_dev > 0
        )

    def histogram(self, whole: bool) -> Histogram | None:
        """Returns the distribution of a number; None if no row has a finite one.

        Args:
            whole: Up to the largest value; else up to the quantile `TAIL`.
        """
        buckets = self._buckets(STANDARD if whole else QUANTILES)
        if not buckets:
            return None
        if not whole:
            return _up_to_tail(buckets)
        return _of_integers(buckets) if self.is_integer else _of_floats(buckets)

    def top(self, most: int) -> dict[str, float]:
        """Returns the most frequent values of a text, and the share of the present rows of each."""
        return {
            one.value: one.frequency / max(self.present, 1) for one in self.text.top_values[:most]
        }

    def _buckets(self, kind: int) -> Sequence[Any]:
        """The buckets that can be drawn: not those that reach to infinity."""
        histograms = self.numeric.histograms if self.numeric is not None and self.present else []
        found: Sequence[Any] = next((one.buckets for one in histograms if one.type == kind), [])
        return [one for one in found if np.isfinite([one.low_value, one.high_value]).all()]


def features(statistics: Any) -> dict[str, Feature]:
    """Returns the features of a split by name, in alphabetical order.

    Args:
        statistics: A `DatasetFeatureStatistics`.
    """
    found = (_feature(one, statistics.num_examples) for one in statistics.features)
    return {one.name: one for one in sorted(found, key=lambda one: one.name)}


def _feature(one: Any, rows: int) -> Feature:
    kind = one.WhichOneof("stats")
    stats = getattr(one, kind)
    present = int(stats.common_stats.num_non_missing)
    return Feature(
        name=".".join(one.path.step) or one.name,
        missing=1 - present / rows if rows else 0.0,
        present=present,
        is_integer=one.type == INTEGER,
        numeric=stats if kind == "num_stats" else None,
        text=stats if kind == "string_stats" else None,
        rows=int(rows),
    )


def _counts(buckets: Sequence[Any]) -> NDArray[np.float64]:
    return np.array([bucket.sample_count for bucket in buckets], float)


def _of_floats(buckets: Sequence[Any]) -> Histogram:
    edges = np.array([buckets[0].low_value, *(bucket.high_value for bucket in buckets)])
    if edges[0] == edges[-1]:  # one value only
        edges = np.linspace(edges[0] - 0.5, edges[0] + 0.5, len(edges))
    return _density(edges, _counts(buckets))


def _of_integers(buckets: Sequence[Any]) -> Histogram:
    """Buckets end in the middle between integers; those that hold no integer join the last.

    TFDV's buckets hold their upper end.
    """
    highs = [np.floor(bucket.high_value) + 0.5 for bucket in buckets]
    edges, counts = [np.ceil(buckets[0].low_value) - 0.5], []
    for high, count in zip(highs, _counts(buckets), strict=True):
        if high > edges[-1]:
            edges.append(high)
            counts.append(count)
        elif counts:
            counts[-1] += count
    return _density(np.array(edges), np.array(counts))


def _up_to_tail(buckets: Sequence[Any], bins: int = 12) -> Histogram:
    """Equal bins up to the quantile, filled from the quantiles' cumulative distribution."""
    counts = _counts(buckets)
    values = np.array([buckets[0].low_value, *(bucket.high_value for bucket in buckets)])
    below = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    end = np.interp(TAIL, below, values)
    edges = np.linspace(values[0], end if end > values[0] else values[0] + 1, bins + 1)
    shares = np.diff(np.interp(edges, values, below), prepend=0.0)[1:]
    shares[0] += np.interp(edges[0], values, below)
    return Histogram(edges, shares / np.diff(edges))


def _density(edges: NDArray[np.float64], counts: NDArray[np.float64]) -> Histogram:
    return Histogram(edges, counts / max(counts.sum(), 1) / np.diff(edges))
