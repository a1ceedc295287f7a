"""Labels and weights, by their functions of raw columns."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from evergreen.quality.columns import READERS, natural_kind
from evergreen.serving.trial.contract import SHOWN, ContractError
from evergreen.settings.task import Task
from evergreen.tabular.columns import Column, dense, present
from evergreen.tabular.table import Label, Table, Weight

UNKNOWN = float("nan")


def label(declared: Label, inputs: Mapping[str, Column]) -> tf.Tensor:
    """Returns the label, float32 [n]: 0 or 1, the index of a class, or a number.

    Args:
        declared: The label.
        inputs: Its raw columns by name, as for `preprocess`.

    Returns:
        NaN where one of the columns is missing, or the function does not know. The number of
        classes stands for a text that is none of them, for `check_labels` to refuse.

    Raises:
        ValueError: If the function returns text and there are no classes.
    """
    known, columns = _complete(declared.columns, inputs)
    answer = tf.reshape(declared.function(columns), [-1])
    if answer.dtype == tf.string:
        answer = _index(declared, answer)
    return tf.where(known, tf.cast(answer, tf.float32), UNKNOWN)


def weight(declared: Weight, inputs: Mapping[str, Column]) -> tf.Tensor:
    """Returns the weight, float32 [n]; NaN where one of its columns is missing."""
    known, columns = _complete(declared.columns, inputs)
    answer = tf.reshape(declared.function(columns), [-1])
    return tf.where(known, tf.cast(answer, tf.float32), UNKNOWN)


def labels(table: Table, rows: pa.Table) -> NDArray[np.float64]:
    """Returns the labels of raw rows that are not examples yet, float64 [n]; NaN if unknown.

    Args:
        table: The declaration.
        rows: Raw rows, with the columns that the label uses, in the types of the schema.
    """
    columns = {name: _tensor(rows[name]) for name in table.label.columns}
    return label(table.label, columns).numpy().astype(np.float64)


def check_weight(found: NDArray[np.floating], where: str) -> None:
    """Checks that weights are finite and not below 0, or NaN where they are not known.

    Raises:
        ContractError: If a weight is something else; names the first ones.
    """
    rule = "weights must be finite and not below 0"
    _refuse((found < 0) | np.isinf(found), found, rule, where)


def _refuse(wrong: NDArray[np.bool_], found: NDArray[np.floating], rule: str, where: str) -> None:
    at = np.flatnonzero(wrong)
    if len(at):
        rows = ", ".join(f"row {row + 1} has {found[row]:g}" for row in at[:SHOWN])
        raise ContractError(
            f"{where}: {rule}; {rows} ({len(at):,} in all).",
            hint="Correct the declaration of the table, or its data.",
        )


def _complete(
    names: tuple[str, ...], inputs: Mapping[str, Column]
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Returns which rows have all columns, bool [n]; and the columns, zeros in other rows."""
    known = tf.reduce_all([present(inputs[name]) for name in names], axis=0)
    columns = {}
    for name in names:
        zero = "" if inputs[name].dtype == tf.string else 0
        values = dense(inputs[name], inputs[name].dtype, zero)
        columns[name] = tf.where(known, values, tf.constant(zero, values.dtype))
    return known, columns


def _index(declared: Label, names: tf.Tensor) -> tf.Tensor:
    """Returns the index of each name among the classes; NaN for an empty one, else their number."""
    if declared.task is not Task.MULTICLASS:
        raise ValueError(
            f"label {declared.name!r}: its function returns text, and a {declared.task} label is "
            "a number; compare the text with the one that stands for 1, or name task and classes"
        )
    matches = names[:, tf.newaxis] == tf.constant(declared.classes)
    found = tf.reduce_any(matches, axis=1)
    index = tf.where(found, tf.argmax(tf.cast(matches, tf.int32), axis=1), len(declared.classes))
    return tf.where(names == "", UNKNOWN, tf.cast(index, tf.float32))


def _tensor(column: pa.ChunkedArray) -> Column:
    """Returns a column [n, 1] without its missing values, as TFX delivers it."""
    kind = "INT" if pa.types.is_temporal(column.type) else natural_kind(column.type)
    values = READERS[kind](column.combine_chunks()).column
    rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    cells = values.drop_null().to_numpy(zero_copy_only=False)
    indices = np.stack([rows, np.zeros_like(rows)], axis=1)
    dtype = {"FLOAT": tf.float32, "INT": tf.int64, "BYTES": tf.string}[kind]
    return tf.SparseTensor(indices, tf.constant(cells, dtype), [len(values), 1])
