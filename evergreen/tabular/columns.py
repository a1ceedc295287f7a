"""Converts raw columns, as TFX delivers them, to dense tensors and back."""

from typing import TypeAlias

import tensorflow as tf

Column: TypeAlias = "tf.Tensor | tf.SparseTensor"
MISSING = {tf.float32: float("nan"), tf.int64: -1, tf.string: ""}
"""The values for a missing value in the signature `raw`."""


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


def sparse(values: tf.Tensor) -> tf.SparseTensor:
    """Removes the values that stand for missing ones (`MISSING`).

    Args:
        values: [n], float32, int64 or string.

    Returns:
        [n, 1], without the missing values.
    """
    present = (
        ~tf.math.is_nan(values)
        if values.dtype == tf.float32
        else (values != tf.constant(MISSING[values.dtype], values.dtype))
    )
    rows = tf.where(present)
    indices = tf.concat([rows, tf.zeros_like(rows)], axis=1)
    shape = [tf.size(values, out_type=tf.int64), 1]
    return tf.SparseTensor(indices, tf.boolean_mask(values, present), shape)


def empty(rows: tf.Tensor, dtype: tf.DType) -> tf.SparseTensor:
    """Returns a column in which every value is missing, [rows, 1]."""
    nothing = tf.zeros([0, 2], tf.int64)
    return tf.SparseTensor(nothing, tf.constant([], dtype), tf.stack([rows, 1]))
