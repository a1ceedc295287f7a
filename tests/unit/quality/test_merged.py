"""Merged statistics of spans, against TFDV's statistics of all their rows together."""

import math
from collections.abc import Sequence
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from data.taxi import TIMESTAMP_COLUMN
from evergreen.components.data_gate.drift import measure
from evergreen.quality.merged import counts, merge
from evergreen.spans import Period
from tests.unit.components.data_gate.gating import statistics_of_table, taxi_schema, trips

Dataset = statistics_pb2.DatasetFeatureStatistics
Feature = statistics_pb2.FeatureNameStatistics
Histogram = statistics_pb2.Histogram
Buckets = list[tuple[float, float, float]]
SPANS = {Period.YEAR: 4, Period.QUARTER: 8}
# Of a distance that lies between 0 and 1. Values are not spread evenly within a bucket: the
# coordinates of trips are a few points each.
TOLERANCE = 0.05


@cache
def spans(period: Period) -> list[pa.Table]:
    ordinals = period.ordinals(trips()[TIMESTAMP_COLUMN])
    numbers = sorted(set(ordinals.tolist()))[: SPANS[period]]
    return [trips().filter(pc.equal(pa.array(ordinals), number)) for number in numbers]


def distances(current: Dataset, earlier: Sequence[Dataset]) -> dict[str, float]:
    drifts, _ = measure(current, earlier, taxi_schema(), "window")
    return {drift.feature: drift.value for drift in drifts}


@pytest.mark.parametrize("period", SPANS)
def test_merged_statistics_are_close_to_those_of_all_rows(period: Period) -> None:
    *earlier, last = spans(period)
    parts = [statistics_of_table(span).datasets[0] for span in earlier]
    whole = statistics_of_table(pa.concat_tables(earlier)).datasets[0]
    apart = distances(whole, parts)
    assert apart == pytest.approx(dict.fromkeys(apart, 0), abs=TOLERANCE)
    # Text is exact.
    assert (apart["company"], apart["payment_type"]) == (0, 0)
    current = statistics_of_table(last).datasets[0]
    from_whole = distances(current, [whole])
    assert len(from_whole) == len(apart) == 15
    assert distances(current, parts) == pytest.approx(from_whole, abs=TOLERANCE)


def number(buckets: Buckets, mean: float = 0, nan: int = 0) -> Feature:
    feature = Feature(type=Feature.FLOAT)
    size = int(sum(count for *_, count in buckets)) + nan
    feature.num_stats.mean = mean
    feature.num_stats.common_stats.num_non_missing = size
    feature.num_stats.common_stats.tot_num_values = size
    histogram = feature.num_stats.histograms.add(type=Histogram.STANDARD, num_nan=nan)
    for low, high, count in buckets:
        histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
    feature.num_stats.histograms.add(type=Histogram.QUANTILES).buckets.add(sample_count=99)
    return feature


def buckets(feature: Feature) -> Buckets:
    [histogram] = feature.num_stats.histograms
    return [
        (bucket.low_value, bucket.high_value, bucket.sample_count) for bucket in histogram.buckets
    ]


def test_values_are_spread_evenly_over_ten_new_buckets() -> None:
    merged = merge([number([(0, 10, 10)], mean=5), number([(0, 20, 30), (20, 100, 0)], mean=9)])
    assert buckets(merged)[:3] == [(0, 10, 25), (10, 20, 15), (20, 30, 0)]
    assert len(buckets(merged)) == 10
    assert merged.num_stats.mean == 8
    assert merged.num_stats.common_stats.num_non_missing == 40


def test_a_column_with_one_value_keeps_it() -> None:
    assert buckets(merge([number([(5, 5, 3)]), number([(5, 5, 4)])])) == [(5, 5, 7)]
    merged = buckets(merge([number([(0, 10, 10)]), number([(10, 10, 3)]), number([(2, 2, 5)])]))
    assert [count for *_, count in merged] == [1, 1, 6, 1, 1, 1, 1, 1, 1, 4]


def test_values_that_are_not_finite_are_kept_apart() -> None:
    endless = (math.inf, math.inf, 2)
    merged = merge([number([(0, 10, 10), endless], nan=1), number([(0, 10, 10)], nan=2)])
    assert [bucket for bucket in buckets(merged) if math.isinf(bucket[0])] == [endless]
    assert sum(count for *_, count in buckets(merged)) == 22
    assert merged.num_stats.histograms[0].num_nan == 3
    assert buckets(merge([number([], nan=1), number([], nan=2)])) == []


def test_counts_of_text_are_added_up() -> None:
    merged = merge([text(Cash=3, Card=5), text(Card=4, Coin=1)])
    assert counts(merged) == {"Card": 9, "Cash": 3, "Coin": 1}
    assert merged.string_stats.common_stats.num_non_missing == 13


def text(**values: int) -> Feature:
    feature = Feature(type=Feature.STRING)
    feature.string_stats.common_stats.num_non_missing = sum(values.values())
    for value, count in values.items():
        feature.string_stats.rank_histogram.buckets.add(label=value, sample_count=count)
    return feature


def test_one_span_stays_as_it_is() -> None:
    assert merge([feature := number([(0, 10, 10)])]) == feature
