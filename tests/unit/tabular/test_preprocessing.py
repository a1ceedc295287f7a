from datetime import UTC, datetime

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.beam import analysis_graph_builder
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from evergreen.tabular import Boolean, Hashed, Integer, Moment, Number
from evergreen.tabular.features import transformed_name
from evergreen.tabular.preprocessing import (
    hashed_ids,
    integer_ids,
    interpolated_ranks,
    label,
    moment_ids,
    valid_numbers,
)
from evergreen.tabular.serving import raw_signature
from models.taxi.features import TRIPS
from models.taxi.model import preprocessing_fn

from .conftest import SCHEMA, SPEC, serialize

NAN, INF = float("nan"), float("inf")


def sparse(values, dtype):
    """A column as TFX delivers it: None is absent."""
    present = [(row, 0) for row, value in enumerate(values) if value is not None]
    cells = tf.constant([value for value in values if value is not None], dtype)
    indices = tf.reshape(tf.constant(present, tf.int64), [-1, 2])
    return tf.SparseTensor(indices, cells, [len(values), 1])


@pytest.mark.parametrize(
    ("tips", "fare", "expected"),
    [
        (2.0, 10.0, 0),  # exactly 20 %
        (2.01, 10.0, 1),
        (5.01, 25.05, 0),  # exactly 20 %, but more in float32
        (0.97, 4.85, 0),  # the same
        (0.0, 0.0, 0),
        (0.01, 0.0, 1),
        (2.0, INF, 0),
        (INF, 10.0, 1),
        (None, 10.0, NAN),
        (NAN, 10.0, NAN),
        (3.0, None, NAN),
    ],
)
def test_a_tip_is_big_above_a_fifth_of_the_fare(tips, fare, expected):
    columns = {"tips": sparse([tips], tf.float32), "fare": sparse([fare], tf.float32)}
    np.testing.assert_array_equal(label(TRIPS.label, columns), np.float32([expected]))


def test_missing_infinite_and_out_of_range_numbers_are_not_valid():
    values = [None, NAN, INF, -INF, -0.01, 0.0, 500.0, 500.5, 1e30]
    valid = valid_numbers(sparse(values, tf.float32), 0.0, 500.0)
    np.testing.assert_array_equal(valid, [NAN, NAN, NAN, NAN, NAN, 0.0, 500.0, NAN, NAN])


def test_dense_columns_of_either_rank_are_taken():
    for dense in (tf.constant([1.0, NAN]), tf.constant([[1.0], [NAN]])):
        np.testing.assert_array_equal(valid_numbers(dense, 0.0, 9.0), np.float32([1.0, NAN]))


def test_ranks_go_linearly_between_quantiles_and_are_clipped_beyond():
    boundaries = tf.constant([[0.0, 10.0, 30.0]])
    numbers = tf.constant([[-5.0], [0.0], [5.0], [10.0], [20.0], [30.0], [1e30], [NAN]])
    ranks = interpolated_ranks(numbers, boundaries)[:, 0]
    np.testing.assert_allclose(ranks, [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.5])


def test_a_value_that_fills_several_quantiles_makes_the_rank_jump():
    boundaries = tf.constant([[0.0, 0.0, 0.0, 1.0, 3.0]])
    ranks = interpolated_ranks(tf.constant([[0.0], [0.5], [2.0]]), boundaries)[:, 0]
    np.testing.assert_allclose(ranks, [0.0, 0.625, 0.875])


def test_quantiles_of_a_column_without_values_give_finite_ranks():
    ranks = interpolated_ranks(tf.constant([[7.0], [NAN]]), tf.constant([[NAN, NAN, NAN]]))
    np.testing.assert_allclose(ranks[:, 0], [1.0, 0.5])


def test_integers_are_counted_from_one_and_zero_is_missing():
    values = [None, 0, 23, 24, 99, -1, 2**62]
    hours = integer_ids(sparse(values, tf.int64), Integer("trip_start_hour", 0, 23))
    assert hours.numpy().tolist() == [0, 1, 24, 0, 0, 0, 0]


def test_booleans_are_one_and_two_and_zero_is_missing_or_anything_else():
    values = [None, 0, 1, 2, -1]
    ids = integer_ids(sparse(values, tf.int64), Boolean("shared"))
    assert ids.numpy().tolist() == [0, 1, 2, 0, 0]


def test_hashed_texts_share_buckets_and_zero_is_missing():
    ids = hashed_ids(sparse([None, "", "a", "b", "a"], tf.string), Hashed("word", 1000)).numpy()
    assert ids[:2].tolist() == [0, 0]
    assert ids[2] == ids[4] != ids[3]
    assert ((ids[2:] >= 1) & (ids[2:] <= 1000)).all()


@pytest.mark.parametrize(
    "moment",
    [
        "1970-01-01T00:00",
        "2000-02-29T23:59",
        "2013-12-31T12:00",
        "2100-03-01T05:00",
        "2024-02-29T01",
    ],
)
def test_moments_are_months_weekdays_and_hours(moment):
    when = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    values = sparse([int(when.timestamp()), None], tf.int64)
    ids = {name: x.numpy().tolist() for name, x in moment_ids(values, Moment("at")).items()}
    expected = {"at_month_xf": when.month, "at_weekday_xf": when.weekday() + 1}
    expected["at_hour_xf"] = when.hour + 1
    assert ids == {name: [value, 0] for name, value in expected.items()}


def test_a_number_has_no_bounds_unless_they_are_declared():
    number = Number("x")
    valid = valid_numbers(sparse([-1e30, 1e30, INF, None], tf.float32), number.low, number.high)
    np.testing.assert_array_equal(valid, np.float32([-1e30, 1e30, NAN, NAN]))


def transform(exported, *rows):
    signature = exported.signatures["transform_features"]
    return signature(tf.constant([serialize(row) for row in rows]))


def test_texts_are_numbered_by_frequency_after_missing_and_rare(exported):
    # In the sample: Cash 9,909, Credit Card 4,975, No Charge 81, Unknown 29, and 8 of three others.
    texts = ["Cash", "Credit Card", "No Charge", "Unknown", "Dispute", "Bitcoin", "", None]
    column = transform(exported, *({"payment_type": text} for text in texts))["payment_type_xf"]
    assert column.numpy().tolist() == [2, 3, 4, 5, 1, 1, 0, 0]


def test_missing_numbers_take_the_median_and_raise_their_flag(exported, trips):
    median = trips.split("train").trip_seconds.median()
    columns = transform(exported, {}, {"trip_seconds": median}, {"trip_seconds": -1.0})
    np.testing.assert_array_equal(columns["trip_seconds_missing_xf"], [1.0, 0.0, 1.0])
    np.testing.assert_allclose(columns["trip_seconds_xf"], [0.5, 0.5, 0.5], atol=1 / 30)
    assert np.isnan(columns["big_tip"]).all()


def test_ranks_of_the_training_rows_are_spread_evenly(splits):
    quartiles = np.quantile(splits["train"].features["fare_xf"], [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [0.25, 0.5, 0.75], atol=0.05)


def test_analyzers_are_few_and_all_can_be_cached():
    features = schema_utils.schema_as_feature_spec(SCHEMA).feature_spec
    specs = {name: tf.SparseTensorSpec([None, None], f.dtype) for name, f in features.items()}
    keys = [tft_beam.analyzer_cache.DatasetKey("span-1")]
    entries = analysis_graph_builder.get_analysis_cache_entry_keys(
        preprocessing_fn, specs, keys, force_tf_compat_v1=False
    )
    assert len(entries) == 3, "quantiles of all numbers, and one for each vocabulary"


def test_a_column_missing_in_all_rows_can_be_analyzed_and_dense_columns_too(tmp_path):
    types = raw_signature(TRIPS, SPEC)
    spec = {name: tf.io.FixedLenFeature([], given.dtype) for name, given in types.items()}
    spec["tips"] = spec["fare"]
    gaps = {tf.float32: NAN, tf.int64: -1, tf.string: ""}
    row = {name: gaps[feature.dtype] for name, feature in spec.items()} | {"fare": 5.0, "tips": 2.0}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    with tft_beam.Context(str(tmp_path)):
        analyze = tft_beam.AnalyzeAndTransformDataset(preprocessing_fn)
        (rows, _), _ = (([row] * 3), metadata) | analyze
    expected = {transformed_name(item.name): 0 for item in TRIPS.ids}
    expected |= {transformed_name(number.name): 0.5 for number in TRIPS.numbers}
    expected |= {number.flag: 1.0 for number in TRIPS.numbers if number.flag_missing}
    expected |= {"fare_xf": 0.0, "big_tip": 1.0}
    assert rows == [expected] * 3
