"""Profiles the columns of a table: type, missing values, distinct values, range."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from evergreen.quality.columns import numbers, texts, wholes, without
from evergreen.quality.inference import kind_of
from evergreen.spans.source import seconds

TOKENS = ("NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "\\N", "?", "-", "#N/A")
"""Text that often stands for a missing value."""
ISO = r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.,+Zz -]+(UTC)?)?\s*$"
TIMELY = re.compile(r"(time|date|timestamp|_at|_ts)$", re.IGNORECASE)
EPOCHS = (10**8, 4 * 10**9)
"""Whole numbers in this range are seconds since 1970, if the column is called so."""
SAMPLE = 1000
DAY = 86_400


class Kind(StrEnum):
    """What the values of a column are; the word is for people."""

    NUMBER = "number"
    WHOLE = "whole number"
    TRUTH = "boolean"
    MOMENT = "time"
    TEXT = "text"
    OTHER = "other"
    EMPTY = "empty"


@dataclass(frozen=True)
class Column:
    """A column with its values.

    Attributes:
        name: Its name.
        kind: What its values are.
        values: float64 for numbers; int64 for whole numbers, booleans (0 and 1) and times (seconds
            since 1970); else strings. Null where missing, NaN included; shape [rows].
        source: Its type in the table, such as `double`.
        zone: The time zone of a time; UTC if it has none.
        has_nan: Whether NaN stands for missing values.
    """

    name: str
    kind: Kind
    values: pa.Array
    source: str
    zone: str = "UTC"
    has_nan: bool = False

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.values)

    @property
    def present(self) -> int:
        """The number of rows with a value."""
        return self.rows - int(self.values.null_count)

    @property
    def missing(self) -> float:
        """The share of rows without a value."""
        return self.values.null_count / max(self.rows, 1)

    @cached_property
    def distinct(self) -> int:
        """The number of different values."""
        return int(pc.count_distinct(self.values).as_py())

    @cached_property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest finite value of numbers; zeros if there is none."""
        finite = self.values.filter(pc.is_finite(self.values)) if len(self.values) else self.values
        ends = pc.min_max(finite).as_py()
        return (0, 0) if ends["min"] is None else (ends["min"], ends["max"])

    @property
    def is_date(self) -> bool:
        """Whether its times are all midnight in UTC."""
        if self.kind is not Kind.MOMENT or self.zone != "UTC":
            return False
        seconds_ = self.values.drop_null().to_numpy()
        return bool(np.all(seconds_ % DAY == 0))

    @cached_property
    def counts(self) -> Counter[Any]:
        """The number of rows by value."""
        found = pc.value_counts(self.values.drop_null())
        return Counter(
            dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True))
        )

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in {Kind.NUMBER, Kind.WHOLE, Kind.TRUTH}

    @cached_property
    def array(self) -> NDArray[Any]:
        """Its values, shape [rows]: float64 with NaN, or objects with None."""
        if self.is_number or self.kind is Kind.MOMENT:
            return self.values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return self.values.to_numpy(zero_copy_only=False)

    @cached_property
    def length(self) -> float:
        """The mean number of characters of text."""
        return float(pc.mean(pc.utf8_length(self.values)).as_py() or 0)


@dataclass(frozen=True)
class Profile:
    """The columns of a table.

    Attributes:
        columns: By name, in the table's order.
        tokens: Texts that stand for a missing value, by which numbers were told from text.
    """

    columns: Mapping[str, Column]
    tokens: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return next(iter(self.columns.values())).rows

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]


def profile(table: pa.Table) -> Profile:
    """Profiles a table; columns of text get the type of all their values."""
    arrays = {name: without(_whole(table[name]), ()) for name in table.column_names}
    texts_ = {
        name: array.dictionary_encode()
        for name, array in arrays.items()
        if pa.types.is_string(array.type)
    }
    tokens = _tokens([encoded.dictionary for encoded in texts_.values()])
    return Profile(
        {
            name: _of_texts(name, texts_[name], tokens) if name in texts_ else _column(name, array)
            for name, array in arrays.items()
        },
        tokens,
    )


def _of_texts(name: str, encoded: pa.DictionaryArray, tokens: Collection[str]) -> Column:
    """Profiles text, reading each distinct value once."""
    read = _column(name, without(encoded.dictionary, tokens))
    return replace(read, values=read.values.take(encoded.indices))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        return combined.chunk(0) if combined.num_chunks else pa.nulls(0)
    return combined


def _tokens(arrays: Sequence[pa.Array]) -> tuple[str, ...]:
    """Returns tokens without which columns that look like text are numbers or times.

    Args:
        arrays: The distinct values of each column of text.
    """
    found: set[str] = set()
    for array in arrays:
        if pa.types.is_string(array.type):
            used = set(TOKENS) & set(array.slice(0, 10**7).unique().to_pylist()[: 10**6])
            if used and _is_typed(without(array, used)):
                found |= used
    return tuple(token for token in TOKENS if token in found)


def _is_typed(text: pa.Array) -> bool:
    return text.null_count < len(text) and (kind_of(text) != "BYTES" or _is_iso(text))


def _is_iso(text: pa.Array) -> bool:
    if pc.all(pc.match_substring_regex(text.drop_null(), ISO)).as_py() is not True:
        return False
    try:
        seconds(text.drop_null().slice(0, SAMPLE), "")
    except ValueError:
        return False
    return True


def _column(name: str, array: pa.Array) -> Column:
    kind, source = array.type, str(array.type)
    if len(array) == array.null_count:
        return Column(name, Kind.EMPTY, pa.nulls(len(array), pa.string()), source)
    if pa.types.is_string(kind):
        return _of_text(name, array)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        zone = (kind.tz if pa.types.is_timestamp(kind) else None) or "UTC"
        return Column(name, Kind.MOMENT, seconds(array, name), source, zone)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _of_wholes(name, array)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_duration(kind):
        return _of_numbers(name, numbers(array).column, source)
    return Column(name, Kind.OTHER, pa.nulls(len(array), pa.string()), source)


def _of_text(name: str, array: pa.Array) -> Column:
    kind = kind_of(array)
    if kind == "INT":
        return _of_wholes(name, array)
    if kind == "FLOAT":
        return _of_numbers(name, numbers(array).column, "string")
    if _is_iso(array):
        return Column(name, Kind.MOMENT, seconds(array, name), "string")
    return Column(name, Kind.TEXT, array, "string")


def _of_wholes(name: str, array: pa.Array) -> Column:
    read, source = wholes(array), str(array.type)
    if read.refused:  # unsigned numbers beyond 64 bits
        return Column(name, Kind.TEXT, texts(array).column.cast(pa.string()), source)
    values = read.column
    ends = pc.min_max(values).as_py()
    if pa.types.is_boolean(array.type) or (source == "string" and _has_words(array)):
        return Column(name, Kind.TRUTH, values, source)
    if TIMELY.search(name) and ends["min"] >= EPOCHS[0] and ends["max"] < EPOCHS[1]:
        return Column(name, Kind.MOMENT, values, source)
    return Column(name, Kind.WHOLE, values, source)


def _has_words(text: pa.Array) -> bool:
    return pc.any(pc.match_substring_regex(text, "^[ \\t]*[TtFf]")).as_py() is True


def _of_numbers(name: str, array: pa.Array, source: str) -> Column:
    nan = pc.is_nan(array)
    has_nan = pc.any(nan).as_py() is True
    values = pc.if_else(nan, pa.nulls(len(array), array.type), array) if has_nan else array
    if values.null_count == len(values):
        return Column(name, Kind.EMPTY, pa.nulls(len(values), pa.string()), source)
    return Column(name, Kind.NUMBER, values, source, has_nan=has_nan)
