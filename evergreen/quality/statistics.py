"""TFDV's statistics of a feature, in a form that can be drawn and compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

STANDARD, QUANTILES = statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES
STEPS = 50
"""The steps between the quantiles that a span keeps of a number. With TFDV's ten, equal
distributions of a few frequent values seem apart; 200 take TFDV a second for ten columns."""
INTEGER = statistics_pb2.FeatureNameStatistics.INT
HEAVY = 0.8
"""A histogram with more than this share of the rows in one bucket shows no detail."""
TAIL = 0.9
"""The quantile up to which such a feature is shown."""
IDENTIFIER = 0.9
"""Text with more distinct values than this share of the rows is an identifier."""


@dataclass(frozen=True)
class Histogram:
    """The distribution of a number.

    Attributes:
        edges: Shape [n + 1], rising.
        density: The share of the rows per unit of the feature, shape [n].
    """

    edges: NDArray[np.float64]
    density: NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """One feature of a split.

    Attributes:
        name: Its name.
        missing: The share of the rows without a value.
        present: The number of rows with a value.
        numeric: TFDV's statistics of a number, else None.
        text: TFDV's statistics of a text, else None.
        rows: The number of all rows of the split.
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
        """The number of rows without a value."""
        return self.rows - self.present

    @property
    def is_coarse(self) -> bool:
        """Whether it is a number with fewer quantiles than are needed to compare it."""
        histograms = self.numeric.histograms if self.numeric is not None else []
        kept = [len(part.buckets) for part in histograms if part.type == QUANTILES]
        return any(0 < steps < STEPS for steps in kept)

    @property
    def is_identifier(self) -> bool:
        """Whether nearly every row has a different value."""
        return self.text is not None and self.text.unique > IDENTIFIER * max(self.present, 2)

    @property
    def has_tail(self) -> bool:
        """Whether a few large values would squeeze all others into one bucket."""
        counts = _counts(self._buckets(STANDARD))
        return (
            bool(len(counts) and counts.max() > HEAVY * counts.sum()) and self.numeric.std_dev > 0
        )

    def histogram(self, whole: bool) -> Histogram | None:
        """Returns the distribution of a number; None if no value is finite.

        Args:
            whole: Whether to include the largest values; otherwise only up to the quantile `TAIL`.
        """
        buckets = self._buckets(STANDARD if whole else QUANTILES)
        if not buckets:
            return None
        if not whole:
            return _up_to_tail(buckets)
        return _of_integers(buckets) if self.is_integer else _of_floats(buckets)

    def top(self, most: int) -> dict[str, float]:
        """Returns the most frequent values of a text, with their share of the present rows."""
        return {
            top_value.value: top_value.frequency / max(self.present, 1)
            for top_value in self.text.top_values[:most]
        }

    def _buckets(self, kind: int) -> Sequence[Any]:
        """Returns the buckets with finite ends, which can be drawn."""
        histograms = self.numeric.histograms if self.numeric is not None and self.present else []
        found: Sequence[Any] = next(
            (histogram.buckets for histogram in histograms if histogram.type == kind), []
        )
        return [
            bucket for bucket in found if np.isfinite([bucket.low_value, bucket.high_value]).all()
        ]


def features(statistics: Any) -> dict[str, Feature]:
    """Returns the features of a split by name, in alphabetical order.

    Args:
        statistics: A `DatasetFeatureStatistics`.
    """
    found = (_feature(feature, statistics.num_examples) for feature in statistics.features)
    return {feature.name: feature for feature in sorted(found, key=lambda feature: feature.name)}


def _feature(statistics: Any, rows: int) -> Feature:
    kind = statistics.WhichOneof("stats")
    stats = getattr(statistics, kind)
    present = int(stats.common_stats.num_non_missing)
    return Feature(
        name=".".join(statistics.path.step) or statistics.name,
        missing=1 - present / rows if rows else 0.0,
        present=present,
        is_integer=statistics.type == INTEGER,
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
    """Buckets end midway between integers; those that hold no integer join the last.

    TFDV's buckets include their upper end.
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
    """Equal bins up to the quantile, filled from the cumulative distribution of the quantiles."""
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
