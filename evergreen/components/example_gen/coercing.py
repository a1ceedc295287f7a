"""Brings columns to the types of the schema; rows with values that do not fit are refused."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$|^\s*[+-]?(nan(\(\w*\))?|inf|infinity)\s*$"
INT64_LIMIT = 2**63
NESTED = "NESTED"


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
        nested = pa.types.is_nested(column.type)
        kind = NESTED if nested else kinds.get(name) or _natural_kind(column.type)
        columns[name], bad = _CASTS[kind](column)
        for row in np.flatnonzero(bad):
            value = str(column[int(row)].as_py())
            refusals.append(Refusal(int(row), name, value, f"is not {_WORDS[kind]}"))
    return columns, refusals


def _natural_kind(type_: pa.DataType) -> str:
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "FLOAT"
    return "INT" if pa.types.is_integer(type_) or pa.types.is_boolean(type_) else "BYTES"


def _numbers_as_text(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Trimmed text of the values that are numbers, with a mask of those that are not."""
    text = column.cast(pa.string(), safe=False)
    number = pc.match_substring_regex(text, NUMBER, ignore_case=True)
    trimmed = pc.utf8_trim_whitespace(pc.if_else(number, text, None))
    return trimmed, pc.invert(number).fill_null(False).to_numpy(zero_copy_only=False)


def _to_float(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    try:
        numbers, bad = column.cast(pa.float64()), np.zeros(len(column), bool)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        text, bad = _numbers_as_text(column)
        numbers = text.cast(pa.float64())
    return numbers.cast(pa.float32(), safe=False), bad


def _to_int(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    # Arrow would read 0x10 as 16.
    if not pa.types.is_string(column.type) or _all_digits(column):
        with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return column.cast(pa.int64()), np.zeros(len(column), bool)
    text, bad = _numbers_as_text(column)
    # One by one and exactly: float64 would not tell integers above 2^53 apart.
    integers = [None if value is None else _whole(value) for value in text.to_pylist()]
    fractions = [value is None for value in integers] & text.is_valid().to_numpy(False)
    return pa.array(integers, pa.int64()), bad | fractions


def _all_digits(column: pa.Array) -> bool:
    digits = pc.match_substring_regex(column, r"^-?\d{1,18}$")
    return pc.all(digits, min_count=0).as_py() is not False


def _whole(text: str) -> int | None:
    """The integer that a number is, as in `7` or `7.0`; None if it is none or beyond 64 bits."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    if not number.is_finite() or not -INT64_LIMIT <= number < INT64_LIMIT:
        return None
    return int(number) if number == number.to_integral_value() else None


def _refuse_nested(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    present = column.is_valid().to_numpy(zero_copy_only=False)
    return pa.nulls(len(column), pa.binary()), present


def _to_bytes(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    text = column if pa.types.is_binary(column.type) else column.cast(pa.string(), safe=False)
    return text.cast(pa.binary()), np.zeros(len(column), bool)


_CASTS = {"FLOAT": _to_float, "INT": _to_int, "BYTES": _to_bytes, NESTED: _refuse_nested}
_WORDS = {"FLOAT": "a number", "INT": "a whole number", "BYTES": "text", NESTED: "one value"}
