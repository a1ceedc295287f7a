"""From raw to transformed features, in one TensorFlow graph for training and for serving.

Three analyzers, all cacheable and in one phase: quantiles of all numbers together, and two
vocabularies. Each analyzer costs Beam stages for each span of the window, so there are few.
"""

import tensorflow as tf
import tensorflow_transform as tft

from models.taxi.features import (
    FARE,
    INTEGERS,
    LABEL,
    NUMBERS,
    TEXTS,
    TIP_DIVISOR,
    TIPS,
    UNKNOWN_LABEL,
    Integer,
    Text,
    transformed_name,
)

# 32 buckets have 31 boundaries, and 30 steps between them.
_BUCKETS = 32
_QUANTILE_ERROR = 0.001
# Narrower steps than float32 can tell apart at -88 degrees count as a jump.
_NARROWEST_STEP = 1e-6

_Tensor = tf.Tensor | tf.SparseTensor


def preprocessing_fn(inputs: dict[str, _Tensor]) -> dict[str, tf.Tensor]:
    """Transforms raw features; whatever goes in, no NaN and no infinity comes out.

    Args:
        inputs: Raw features by name, each a SparseTensor [n, 1] without the missing values or a
            dense tensor [n] or [n, 1].

    Returns:
        Tensors [n]. Numbers: float32 rank in [0, 1], and 0.5, the median, where missing. Flags of
        missing numbers: float32, 0 or 1. Integers and texts: int64, 0 where missing. The label:
        int64, 1 or 0, and -1 where the fare or the tip is missing.
    """
    numbers = tf.stack([valid_numbers(inputs[n.name], n.low, n.high) for n in NUMBERS], axis=1)
    ranks = tf.unstack(interpolated_ranks(numbers, _quantiles(numbers)), axis=1)
    missing = tf.unstack(tf.cast(tf.math.is_nan(numbers), tf.float32), axis=1)
    outputs = {transformed_name(n.name): rank for n, rank in zip(NUMBERS, ranks, strict=True)}
    for number, flag in zip(NUMBERS, missing, strict=True):
        if number.flag_missing:
            outputs[transformed_name(number.missing_name)] = flag
    for integer in INTEGERS:
        outputs[transformed_name(integer.name)] = integer_ids(inputs[integer.name], integer)
    for text in TEXTS:
        outputs[transformed_name(text.name)] = _text_ids(inputs[text.name], text)
    outputs[LABEL] = big_tip(inputs[TIPS], inputs[FARE])
    return outputs


def _quantiles(numbers: tf.Tensor) -> tf.Tensor:
    """Returns float32 [columns, quantiles].

    Issue: TFT 1.21 cannot reshape the quantiles if a column has no value in the whole window.
    Solution: a column without a value in a batch counts as one of zeros there. Whole batches
    without one are rare, and a few zeros move no quantile.
    """
    empty = tf.reduce_all(tf.math.is_nan(numbers), axis=0)
    values = tf.where(empty, 0.0, numbers)
    return tft.quantiles(values, _BUCKETS, _QUANTILE_ERROR, reduce_instance_dims=False)


def valid_numbers(values: _Tensor, low: float, high: float) -> tf.Tensor:
    """Returns float32 [n], NaN where a value is missing, not finite, or outside [low, high]."""
    numbers = _dense(values, tf.float32, float("nan"))
    return tf.where((numbers >= low) & (numbers <= high), numbers, float("nan"))


def interpolated_ranks(numbers: tf.Tensor, boundaries: tf.Tensor) -> tf.Tensor:
    """Ranks numbers among quantiles, linearly between them.

    The same as `tft.apply_buckets_with_interpolation`, but for all columns at once, and it takes a
    column that was missing in every training row.

    Args:
        numbers: float32 [n, columns], NaN where missing.
        boundaries: float32 [columns, quantiles], ascending.

    Returns:
        float32 [n, columns], from 0 at the first quantile or below to 1 at the last or above; 0.5
        where missing.
    """
    boundaries = tf.where(tf.math.is_finite(boundaries), boundaries, 0.0)
    lower = boundaries[:, :-1]
    widths = tf.maximum(boundaries[:, 1:] - lower, _NARROWEST_STEP)
    steps = tf.clip_by_value((numbers[:, :, tf.newaxis] - lower) / widths, 0.0, 1.0)
    return tf.where(tf.math.is_nan(numbers), 0.5, tf.reduce_mean(steps, axis=2))


def integer_ids(values: _Tensor, feature: Integer) -> tf.Tensor:
    """Returns int64 [n]: 1 for the lowest value of the range, 0 for missing or out of range."""
    numbers = _dense(values, tf.int64, feature.low - 1)
    inside = (numbers >= feature.low) & (numbers <= feature.high)
    return tf.where(inside, numbers - feature.low + 1, 0)


def _text_ids(values: _Tensor, feature: Text) -> tf.Tensor:
    texts = _dense(values, tf.string, "")
    vocabulary = tft.vocabulary(texts, top_k=feature.top_k, vocab_filename=feature.name)
    ids = tft.apply_vocabulary(texts, vocabulary, default_value=-1) + 2
    return tf.where(texts == "", tf.zeros_like(ids), ids)


def big_tip(tips: _Tensor, fare: _Tensor) -> tf.Tensor:
    """Returns int64 [n]: 1 where the tip is more than 20 % of the fare, 0 where not, -1 unknown.

    Compared in whole cents: in float32, 5.01 of 25.05 dollars is more than 20 %.
    """
    tips = _dense(tips, tf.float32, float("nan"))
    fare = _dense(fare, tf.float32, float("nan"))
    unknown = tf.math.is_nan(tips) | tf.math.is_nan(fare)
    big = tf.cast(_cents(tips) * TIP_DIVISOR > _cents(fare), tf.int64)
    return tf.where(unknown, tf.constant(UNKNOWN_LABEL, tf.int64), big)


def _cents(dollars: tf.Tensor) -> tf.Tensor:
    """Returns int64, of dollars in a range that it holds: casting infinity or NaN is undefined."""
    dollars = tf.where(tf.math.is_nan(dollars), 0.0, dollars)
    return tf.cast(tf.round(tf.clip_by_value(dollars, -1e9, 1e9) * 100.0), tf.int64)


def _dense(values: _Tensor, dtype: tf.DType, default: float | str) -> tf.Tensor:
    """Returns [n] of a dtype, with the default where a value is missing."""
    if isinstance(values, tf.SparseTensor):
        cells = values.values if dtype == tf.string else tf.cast(values.values, dtype)
        column = tf.SparseTensor(values.indices, cells, [values.dense_shape[0], 1])
        values = tf.sparse.to_dense(column, tf.constant(default, dtype))
    dense = tf.reshape(values, [-1])
    return dense if dtype == tf.string else tf.cast(dense, dtype)
