"""Statistics of values at hand, in the form of TFDV's statistics of a span."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

from evergreen.quality.statistics import QUANTILES, STEPS, Feature, features

FLOAT = statistics_pb2.FeatureNameStatistics.FLOAT
STRING = statistics_pb2.FeatureNameStatistics.STRING
MOST = 1000
"""The most values of a text that TFDV keeps."""


def of_numbers(name: str, values: NDArray[Any]) -> Feature:
    """Returns the distribution of numbers, shape [n]; those that are not finite are missing."""
    known = np.sort(values[np.isfinite(values)].astype(np.float64))
    if not len(known):
        return of_histogram(name, known, known, 0.0, len(values))
    ranks = np.linspace(0, len(known), min(STEPS, len(known)) + 1).round().astype(int)
    edges = known[np.maximum(ranks - 1, 0)]
    return of_histogram(name, edges, np.diff(ranks), float(known.mean()), len(values))


def of_histogram(
    name: str, edges: NDArray[Any], counts: NDArray[Any], mean: float, rows: int
) -> Feature:
    """Returns the distribution of numbers by buckets.

    Args:
        name: The feature's name.
        edges: Shape [n + 1].
        counts: The values of each bucket, shape [n].
        mean: Their mean.
        rows: All rows, those without a value among them.
    """
    statistics = statistics_pb2.FeatureNameStatistics(type=FLOAT, name=name)
    statistics.num_stats.common_stats.num_non_missing = int(counts.sum())
    statistics.num_stats.mean = mean
    histogram = statistics.num_stats.histograms.add(type=QUANTILES)
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=False):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
    return _feature(statistics, rows)


def of_text(name: str, values: NDArray[Any]) -> Feature:
    """Returns the frequent values of texts, shape [n]; None is a missing one."""
    counts = Counter(value for value in values.tolist() if value is not None)
    statistics = statistics_pb2.FeatureNameStatistics(type=STRING, name=name)
    statistics.string_stats.common_stats.num_non_missing = counts.total()
    for value, count in counts.most_common(MOST):
        statistics.string_stats.rank_histogram.buckets.add(label=value, sample_count=count)
    return _feature(statistics, len(values))


def _feature(statistics: statistics_pb2.FeatureNameStatistics, rows: int) -> Feature:
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=rows, features=[statistics])
    return features(dataset)[statistics.name]
