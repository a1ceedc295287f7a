"""Merges the statistics of several spans, as far as TFDV's comparators read them.

Rows are not read again. The result is close to TFDV's statistics of all rows together:

- Text: the counts of each value are added. TFDV keeps the 1,000 most frequent values of a span, so
  this is exact for columns with no more values.
- Numbers: with TFDV's histograms [low_b, high_b), count n_b, and values spread evenly within a
  bucket, the number of values below x is

      F(x) = sum over b of n_b * clip((x - low_b) / (high_b - low_b), 0, 1)

  and a bucket from x to y has F(y) - F(x) of them. Buckets without width, as for a column with one
  value, stay values. The new buckets are ten of equal width over all spans, like TFDV's: on finer
  ones, such as the union of all boundaries, the divergence of the same rows from TFDV's ten buckets
  was up to 0.58 (fare, miles and seconds of the taxi trips), since one extreme value makes buckets
  wide, and thresholds would have another meaning.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
Histogram: TypeAlias = statistics_pb2.Histogram
BUCKETS = 10  # TFDV's StatsOptions.num_histogram_buckets


def merge(features: Sequence[Feature]) -> Feature:
    """Merges the statistics of one feature in several spans; those of a single span stay unchanged.

    Args:
        features: All with statistics of numbers, or all with statistics of text.
    """
    if len(features) == 1:
        return features[0]
    merged = Feature(path=features[0].path, type=features[0].type)
    if features[0].HasField("num_stats"):
        _merge_numbers(features, merged.num_stats)
    else:
        _merge_text(features, merged.string_stats)
    return merged


def counts(feature: Feature) -> Counter[str]:
    """Returns the counts of a text feature's values."""
    buckets = feature.string_stats.rank_histogram.buckets
    return Counter({bucket.label: bucket.sample_count for bucket in buckets})


def _merge_text(features: Sequence[Feature], merged: statistics_pb2.StringStatistics) -> None:
    _merge_common((feature.string_stats.common_stats for feature in features), merged.common_stats)
    total = sum((counts(feature) for feature in features), Counter())
    for value, count in total.most_common():
        merged.rank_histogram.buckets.add(label=value, sample_count=count)


def _merge_numbers(features: Sequence[Feature], merged: statistics_pb2.NumericStatistics) -> None:
    _merge_common((feature.num_stats.common_stats for feature in features), merged.common_stats)
    means = [feature.num_stats.mean for feature in features]
    numbers = [feature.num_stats.common_stats.tot_num_values for feature in features]
    merged.mean = np.average(means, weights=numbers)
    histograms = [
        histogram
        for feature in features
        for histogram in feature.num_stats.histograms
        if histogram.type == Histogram.STANDARD
    ]
    merged.histograms.append(_merge_histograms(histograms))


def _merge_common(
    parts: Iterable[statistics_pb2.CommonStatistics], merged: statistics_pb2.CommonStatistics
) -> None:
    for part in parts:
        merged.num_non_missing += part.num_non_missing
        merged.num_missing += part.num_missing
        merged.tot_num_values += part.tot_num_values


def _merge_histograms(histograms: Sequence[Histogram]) -> Histogram:
    merged = Histogram(
        type=Histogram.STANDARD, num_nan=sum(histogram.num_nan for histogram in histograms)
    )
    finite = []
    for bucket in (bucket for histogram in histograms for bucket in histogram.buckets):
        if math.isfinite(bucket.low_value) and math.isfinite(bucket.high_value):
            finite.append((bucket.low_value, bucket.high_value, bucket.sample_count))
        else:  # TFDV counts infinite values in separate buckets
            merged.buckets.append(bucket)
    if finite:
        edges, sizes = _rebucket(*np.array(finite).T)
        for low, high, size in zip(edges, edges[1:], sizes, strict=False):
            merged.buckets.add(low_value=low, high_value=high, sample_count=size)
    return merged


def _rebucket(low: np.ndarray, high: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spreads buckets of shape [n] over ten; returns boundaries, [11], and sizes, [10].

    If all buckets hold the same single value, so does the result.
    """
    first, last = low.min(), high.max()
    edges = np.linspace(first, last, BUCKETS + 1) if first < last else np.array([first, last])
    points = low == high
    width = np.where(points, np.inf, high - low)
    below = np.clip((edges[:, None] - low) / width, 0, 1) @ size
    return edges, np.diff(below) + np.histogram(low[points], edges, weights=size[points])[0]
