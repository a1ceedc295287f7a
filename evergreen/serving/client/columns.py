"""Columns of raw values: checks for missing values and wrong types."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from evergreen.errors import DataError, closest
from evergreen.quality.columns import text_of
from evergreen.quality.values import FLOAT32_LIMIT, boolean, is_missing, number, whole
from evergreen.serving.client.signatures import Spec
from evergreen.serving.client.tensors import Array

Rows: TypeAlias = Sequence[Mapping[str, Any]] | pa.Table
Columns = dict[str, list[Any]]
"""Values by column; None or NaN for a missing value."""

MISSING: dict[str, bytes | float] = {"f": math.nan, "i": -1, "O": b""}
"""Missing values by NumPy's kind, for signatures that take one tensor per column: NaN for floats,
-1 for integers, and the empty string. Exported models must follow this."""


def from_rows(rows: Rows) -> Columns:
    """Converts rows to columns, with None where a row lacks a column.

    Raises:
        DataError: If there are no rows.
    """
    if not len(rows):
        raise DataError("there are no rows to predict.", hint="Give one at least.")
    if isinstance(rows, pa.Table):
        try:
            columns: Columns = rows.to_pydict()
        except (ValueError, OverflowError) as error:
            raise DataError(
                f"a moment is beyond the years 1 to 9999: {error}.",
                hint="Correct the value, or leave the column out.",
            ) from error
        return columns
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def check_names(columns: Columns, known: Mapping[str, object], signature: str) -> None:
    """Checks that every column of a signature exists.

    Values may be missing, and other columns are ignored; but a missing column is usually a misspelt
    name, and would give wrong predictions.

    Raises:
        DataError: If columns do not exist; names them, and the likely misspellings.
    """
    absent = sorted(known.keys() - columns.keys())
    if not absent:
        return
    others = sorted(columns.keys() - known.keys())
    meant = [(name, closest(name, others)) for name in absent]
    found = [f"rename {close!r} to {name!r}" for name, close in meant if close]
    raise DataError(
        f"the signature {signature} takes columns that the rows do not have: {', '.join(absent)}.",
        hint=f"Did you mean to {', and '.join(found)}?"
        if found
        else "Add them; values that are not known may be null.",
    )


def to_array(name: str, values: Sequence[Any], spec: Spec) -> Array:
    """Converts a column to a signature's tensor, with `MISSING` for missing values.

    Args:
        name: The column.
        values: Numbers, text or bytes; text is parsed where a number is expected. Lists of these
            for an input with several values per row.
        spec: The input: [n] or [n, 1] for one value per row, [n, k] for lists.

    Raises:
        DataError: If a value does not have the input's type; names the column and the row.
    """
    converted = []
    for row, value in enumerate(values, start=1):
        try:
            converted.append(_value(value, spec.dtype))
        except ValueError as error:
            raise wrong(name, row, value, error) from error
    array = _array(name, converted, spec.dtype)
    rank = array.ndim if spec.shape is None else len(spec.shape)
    return array.reshape(len(values), *[1] * (rank - 1)) if rank > array.ndim else array


def wrong(name: str, row: int, value: Any, why: ValueError) -> DataError:
    """Returns the error for a value that does not have its column's type."""
    what = "a missing value" if is_missing(value) else f"{value!r}"
    return DataError(
        f"column {name}, row {row}: {what} {why}.",
        hint="Correct the value, or leave it out if it is not known.",
    )


def convert(value: Any, dtype: np.dtype[Any]) -> bytes | float:
    """Converts a value that is not missing to a NumPy dtype, by the rules of `quality`.

    Raises:
        ValueError: If that is impossible; gives the reason.
    """
    if dtype.kind == "O":
        return text_of(value)
    if dtype.kind == "f":
        return number(value, FLOAT32_LIMIT if dtype == np.float32 else math.inf)
    if dtype.kind == "b":
        return boolean(value)
    limits = np.iinfo(dtype)
    return whole(value, (int(limits.min), int(limits.max)))


def _value(value: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(value, list | tuple | np.ndarray):
        return [_value(item, dtype) for item in value]
    if not is_missing(value):
        return convert(value, dtype)
    if dtype.kind not in MISSING:
        raise ValueError("has nothing that stands for it in this type")
    return MISSING[dtype.kind]


def _array(name: str, values: list[Any], dtype: np.dtype[Any]) -> Array:
    try:
        return np.array(values, dtype)
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"column {name}: its values are no {dtype} tensor: {error}",
            hint="Give each row as many values as the model takes.",
        ) from error
