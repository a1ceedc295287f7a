"""Brings columns to the types of the schema; rows with values that do not fit are refused."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$|^\s*[+-]?(nan|inf|infinity)\s*$"
INT64_LIMIT = 2.0**63


@dataclass(frozen=True)
class Refusal:
    """A value that does not fit the type of its column.

    Attributes:
        row: Index of the row in its batch.
        column: The column's name.
        value: The value, as text.
        reason: What is wrong with it.
    """

    row: int
    column: str
    value: str
    reason: str


def coerce(
    batch: pa.RecordBatch, kinds: Mapping[str, str]
) -> tuple[dict[str, pa.Array], list[Refusal]]:
    """Casts the columns of a batch.

    Args:
        batch: Columns of any type; ones not in `kinds` keep the nearest type of `tf.Example`.
        kinds: The schema's type of each column: `FLOAT`, `INT` or `BYTES`.

    Returns:
        The columns as float32, int64 or binary arrays (null where missing or refused), and a
        refusal for each value that does not fit.
    """
    columns, refusals = {}, []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        kind = kinds.get(name) or _natural_kind(column.type)
        columns[name], bad = _CASTS[kind](column)
        for row in np.flatnonzero(bad):
            value = str(column[int(row)].as_py())
            refusals.append(Refusal(int(row), name, value, f"is not {_WORDS[kind]}"))
    return columns, refusals


def _natural_kind(type_: pa.DataType) -> str:
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "FLOAT"
    return "INT" if pa.types.is_integer(type_) or pa.types.is_boolean(type_) else "BYTES"


def _to_float64(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Casts to float64, with a mask of the values that are no numbers."""
    try:
        return column.cast(pa.float64()), np.zeros(len(column), bool)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        text = column.cast(pa.string(), safe=False)
    number = pc.match_substring_regex(text, NUMBER, ignore_case=True)
    trimmed = pc.utf8_trim_whitespace(pc.if_else(number, text, None))
    bad = pc.invert(number).fill_null(False)
    return trimmed.cast(pa.float64()), bad.to_numpy(zero_copy_only=False)


def _to_float(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    numbers, bad = _to_float64(column)
    return numbers.cast(pa.float32(), safe=False), bad


def _to_int(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    try:
        return column.cast(pa.int64()), np.zeros(len(column), bool)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        numbers, bad = _to_float64(column)
    values = numbers.fill_null(0.0).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        whole = (np.floor(values) == values) & (np.abs(values) < INT64_LIMIT)
    bad = bad | ~whole
    missing = bad | numbers.is_null().to_numpy(zero_copy_only=False)
    integers = np.where(missing, 0, values).astype(np.int64)
    return pa.array(integers, mask=missing), bad


def _to_bytes(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    text = column if pa.types.is_binary(column.type) else column.cast(pa.string(), safe=False)
    return text.cast(pa.binary()), np.zeros(len(column), bool)


_CASTS = {"FLOAT": _to_float, "INT": _to_int, "BYTES": _to_bytes}
_WORDS = {"FLOAT": "a number", "INT": "a whole number", "BYTES": "text"}
