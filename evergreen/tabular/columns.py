"""Converts raw columns, as TFX delivers them, to dense tensors and back."""

from typing import TypeAlias

import tensorflow as tf

Column: TypeAlias = "tf.Tensor | tf.SparseTensor"
MISSING = {tf.float32: float("nan"), tf.int64: -1, tf.string: ""}
"""The values for a missing value in the signature `raw`."""


_ZERO: dict[tf.DType, float | str] = {tf.float32: 0.0, tf.int64: 0, tf.string: ""}


def dense(values: Column, dtype: tf.DType, default: float | str) -> tf.Tensor:
    """Returns [n] of a dtype, with the default where a value is missing.

    Args:
        values: A SparseTensor [n, 1] without the missing values, or a dense tensor [n] or [n, 1].
        dtype: The dtype of the result.
        default: For missing values.
    """
    if isinstance(values, tf.SparseTensor):
        cells = values.values if dtype == tf.string else tf.cast(values.values, dtype)
        column = tf.SparseTensor(values.indices, cells, [values.dense_shape[0], 1])
        values = tf.sparse.to_dense(column, tf.constant(default, dtype))
    flat = tf.reshape(values, [-1])
    return flat if dtype == tf.string else tf.cast(flat, dtype)


def dense_texts(values: Column) -> tf.Tensor:
    """Returns texts, string [n], empty where missing; whole numbers as digits.

    Args:
        values: As for `dense`.
    """
    if values.dtype == tf.string:
        return dense(values, tf.string, "")
    if isinstance(values, tf.SparseTensor):
        digits = tf.strings.as_string(values.values)
        return dense(tf.SparseTensor(values.indices, digits, values.dense_shape), tf.string, "")
    return tf.reshape(tf.strings.as_string(values), [-1])


def present(values: Column) -> tf.Tensor:
    """Returns bool [n]: where there is a value, which is neither NaN nor an empty text.

    Args:
        values: As for `dense`.
    """
    there = True
    if isinstance(values, tf.SparseTensor):
        ones = tf.ones_like(values.values, tf.bool)
        shape = [values.dense_shape[0], 1]
        flags = tf.SparseTensor(values.indices, ones, shape)
        there = tf.reshape(tf.sparse.to_dense(flags, False), [-1])
    filled = dense(values, values.dtype, _ZERO[values.dtype])
    if values.dtype == tf.string:
        return there & (filled != "")
    return there & (filled == filled)  # noqa: PLR0124 - NaN is not itself


def sparse(values: tf.Tensor) -> tf.SparseTensor:
    """Removes the values that stand for missing ones (`MISSING`).

    Args:
        values: [n], float32, float64, int64 or string.

    Returns:
        [n, 1], without the missing values.
    """
    present = (
        ~tf.math.is_nan(values)
        if values.dtype.is_floating
        else (values != tf.constant(MISSING[values.dtype], values.dtype))
    )
    rows = tf.where(present)
    indices = tf.concat([rows, tf.zeros_like(rows)], axis=1)
    shape = [tf.size(values, out_type=tf.int64), 1]
    return tf.SparseTensor(indices, tf.boolean_mask(values, present), shape)


def cast(values: tf.SparseTensor, dtype: tf.DType) -> tf.SparseTensor:
    """Returns a column of another dtype; unchanged if it has it."""
    return values if values.dtype == dtype else tf.cast(values, dtype)


def empty(rows: tf.Tensor, dtype: tf.DType) -> tf.SparseTensor:
    """Returns a column in which every value is missing, [rows, 1]."""
    nothing = tf.zeros([0, 2], tf.int64)
    return tf.SparseTensor(nothing, tf.constant([], dtype), tf.stack([rows, 1]))
