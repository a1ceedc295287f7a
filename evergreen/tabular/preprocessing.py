"""Transforms raw features, by one TensorFlow graph for training and serving.

There are few analyzers, since each adds Beam stages for each span of the window: quantiles of all
numbers together, and one vocabulary per category. All of them can be cached.
"""

from collections.abc import Mapping

import tensorflow as tf
import tensorflow_transform as tft

from evergreen.tabular.columns import Column, dense, dense_texts
from evergreen.tabular.features import (
    Boolean,
    Category,
    Date,
    Hashed,
    Integer,
    Moment,
    transformed_name,
)
from evergreen.tabular.labels import label, weight
from evergreen.tabular.table import Table
from evergreen.tabular.zones import local_seconds

# 32 buckets have 31 boundaries, and 30 steps between them.
_BUCKETS = 32
_QUANTILE_ERROR = 0.001
# Narrower steps than float32 can tell apart at -88 degrees count as a jump.
_NARROWEST_STEP = 1e-6
# A delay of a day is some ten times as far from the median as one of the longest 3 %.
_REACH = 20.0
_DAY = 86_400


def preprocess(table: Table, inputs: Mapping[str, Column]) -> dict[str, tf.Tensor]:
    """Transforms raw features; for any input, only label and weight may be NaN.

    Args:
        table: The declaration.
        inputs: Raw features by name, each a SparseTensor [n, 1] without the missing values or a
            dense tensor [n] or [n, 1].

    Returns:
        Tensors [n]. Numbers: float32 rank in [0, 1], in a regression also beyond; and 0.5, the
        median, where missing. Flags of
        missing numbers: float32, 0 or 1. All others: int64, 0 where missing. The label and the
        weight: float32, NaN where they are not known.
    """
    outputs = _ranks(table, inputs) if table.numbers else {}
    for feature in table.features:
        if isinstance(feature, Integer | Boolean):
            outputs[transformed_name(feature.name)] = integer_ids(inputs[feature.name], feature)
        elif isinstance(feature, Category):
            outputs[transformed_name(feature.name)] = _category_ids(inputs[feature.name], feature)
        elif isinstance(feature, Hashed):
            outputs[transformed_name(feature.name)] = hashed_ids(inputs[feature.name], feature)
        elif isinstance(feature, Date):
            outputs |= moment_ids(inputs[feature.name], feature)
    outputs[table.label.name] = label(table.label, inputs)
    if table.weight:
        outputs[table.weight.name] = weight(table.weight, inputs)
    return outputs


def _ranks(table: Table, inputs: Mapping[str, Column]) -> dict[str, tf.Tensor]:
    """Returns ranks of all numbers, and the flags of missing ones."""
    valid = [valid_numbers(inputs[item.name], item.low, item.high) for item in table.numbers]
    numbers = tf.stack(valid, axis=1)
    reach = _REACH if table.extends else 0.0
    ranks = tf.unstack(interpolated_ranks(numbers, _quantiles(numbers), reach), axis=1)
    missing = tf.unstack(tf.cast(tf.math.is_nan(numbers), tf.float32), axis=1)
    pairs = zip(table.numbers, ranks, strict=True)
    outputs = {transformed_name(number.name): rank for number, rank in pairs}
    flags = zip(table.numbers, missing, strict=True)
    return outputs | {number.flag: flag for number, flag in flags if number.flag_missing}


def _quantiles(numbers: tf.Tensor) -> tf.Tensor:
    """Returns float32 [columns, quantiles].

    Issue: TFT 1.21 cannot reshape the quantiles if a column has no value in the whole window.
    Solution: a column without a value in a batch counts as zeros there. Whole batches without a
    value are rare, and a few zeros move no quantile.
    """
    no_value = tf.reduce_all(tf.math.is_nan(numbers), axis=0)
    values = tf.where(no_value, 0.0, numbers)
    return tft.quantiles(values, _BUCKETS, _QUANTILE_ERROR, reduce_instance_dims=False)


def valid_numbers(values: Column, low: float, high: float) -> tf.Tensor:
    """Returns float32 [n], NaN where a value is missing, not finite, or outside [low, high]."""
    numbers = dense(values, tf.float32, float("nan"))
    valid = tf.math.is_finite(numbers) & (numbers >= low) & (numbers <= high)
    return tf.where(valid, numbers, float("nan"))


def interpolated_ranks(numbers: tf.Tensor, boundaries: tf.Tensor, reach: float = 0.0) -> tf.Tensor:
    """Ranks numbers among quantiles, linearly between them.

    Like `tft.apply_buckets_with_interpolation`, but for all columns at once, and for columns that
    were missing in every training row.

    Args:
        numbers: float32 [n, columns], NaN where missing.
        boundaries: float32 [columns, quantiles], ascending.
        reach: How far ranks go on below 0 and above 1, in distances from the first quantile to the
            last.

    Returns:
        float32 [n, columns], from 0 at the first quantile or below to 1 at the last or above, and
        beyond if there is a reach; 0.5 where missing.
    """
    boundaries = tf.where(tf.math.is_finite(boundaries), boundaries, 0.0)
    lower = boundaries[:, :-1]
    widths = tf.maximum(boundaries[:, 1:] - lower, _NARROWEST_STEP)
    steps = tf.clip_by_value((numbers[:, :, tf.newaxis] - lower) / widths, 0.0, 1.0)
    ranks = tf.reduce_mean(steps, axis=2)
    if reach:
        first, last = boundaries[:, 0], boundaries[:, -1]
        beyond = (numbers - tf.clip_by_value(numbers, first, last)) / tf.maximum(
            last - first, _NARROWEST_STEP
        )
        ranks += tf.clip_by_value(beyond, -reach, reach)
    return tf.where(tf.math.is_nan(numbers), 0.5, ranks)


def integer_ids(values: Column, feature: Integer | Boolean) -> tf.Tensor:
    """Returns int64 [n]: 1 for the lowest value of the range, 0 for missing or out of range."""
    numbers = dense(values, tf.int64, feature.low - 1)
    inside = (numbers >= feature.low) & (numbers <= feature.high)
    return tf.where(inside, numbers - feature.low + 1, 0)


def hashed_ids(values: Column, feature: Hashed) -> tf.Tensor:
    """Returns int64 [n]: 1 to `feature.size` by FarmHash, 0 for missing."""
    texts = dense_texts(values)
    ids = tf.strings.to_hash_bucket_fast(texts, feature.size) + 1
    return tf.where(texts == "", tf.zeros_like(ids), ids)


def moment_ids(values: Column, feature: Date) -> dict[str, tf.Tensor]:
    """Returns the ids of month, weekday and hour, int64 [n] each; 0 for missing or before 1970."""
    seconds = dense(values, tf.int64, -1)
    known = seconds >= 0
    if isinstance(feature, Moment):
        seconds = local_seconds(seconds, feature.zone)
    days = seconds // _DAY
    ids = {
        feature.month: _month(days),
        feature.weekday: (days + 3) % 7 + 1,  # 1 January 1970 was a Thursday
    }
    if isinstance(feature, Moment):
        ids[feature.hour] = seconds % _DAY // 3600 + 1
    return {
        transformed_name(part.name): tf.where(known, id_, tf.zeros_like(id_))
        for part, id_ in ids.items()
    }


def _month(days: tf.Tensor) -> tf.Tensor:
    """Returns 1 to 12 from days since 1970.

    By Howard Hinnant's `civil_from_days` ("chrono-Compatible Low-Level Date Algorithms"): years
    that begin in March, in eras of 400 years.
    """
    day_of_era = (days + 719_468) % 146_097
    leap = day_of_era // 1460 - day_of_era // 36_524 + day_of_era // 146_096
    year = (day_of_era - leap) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day_of_year + 2) // 153  # 0 is March
    return tf.where(month < 10, month + 3, month - 9)  # noqa: PLR2004


def _category_ids(values: Column, feature: Category) -> tf.Tensor:
    texts = dense_texts(values)
    vocabulary = tft.vocabulary(texts, top_k=feature.top_k, vocab_filename=feature.name)
    ids = tft.apply_vocabulary(texts, vocabulary, default_value=-1) + 2
    return tf.where(texts == "", tf.zeros_like(ids), ids)
