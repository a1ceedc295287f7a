"""Parses columns of Arrow by the rules of `values`; reports values that do not fit, by row."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.quality import values
from evergreen.quality.values import (
    BEYOND_FLOAT,
    FLOAT32_LIMIT,
    FRACTION,
    INT64,
    MOMENT_AS_FLOAT,
    NOT_WHOLE,
    TIME_OF_DAY,
)

DAY = 86_400
A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NO_TEXT = "is not text"
NESTED = "is a list or record, and a row has one value a column"
WHOLE_FLOATS = 2.0**53
UUID_BYTES = 16
PLAIN_WHOLE = r"^-?[0-9]{1,18}$"
PLAIN_NUMBER = rf"^{values.NUMBER}$"
PLAIN_MOMENT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
)


class Read(NamedTuple):
    """A parsed column.

    Attributes:
        column: The values; null where missing or refused.
        refused: The reasons by row, in words that follow the value.
    """

    column: pa.Array
    refused: Mapping[int, str]


@dataclass(frozen=True)
class Refusal:
    """A value that does not fit the type of its column.

    Attributes:
        row: Index of the row in its batch.
        column: The column's name.
        value: The value, as text.
        reason: The reason, in words that follow the value.
    """

    row: int
    column: str
    value: str
    reason: str


def coerce(
    batch: pa.RecordBatch, kinds: Mapping[str, str], missing: Collection[str] = ()
) -> tuple[dict[str, pa.Array], list[Refusal]]:
    """Converts the columns of a batch to the types of a schema.

    Args:
        batch: Columns of any type; those not in `kinds` get the nearest type of `tf.Example`.
        kinds: The schema's type of each column: `FLOAT`, `INT` or `BYTES`.
        missing: Texts that stand for a missing value.

    Returns:
        The columns as float32, int64 or binary arrays (null where missing or refused), and a
        refusal for each value that does not fit.
    """
    columns, refusals = {}, []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        present = without(column, missing)
        read = READERS[kinds.get(name) or natural_kind(present.type)](present)
        columns[name] = read.column
        for row, reason in read.refused.items():
            refusals.append(Refusal(row, name, _shown(present[row]), reason))
    return columns, refusals


def without(column: pa.Array, tokens: Collection[str]) -> pa.Array:
    """Returns text as strings, with null for missing values; other columns unchanged."""
    column = _plain(column)
    if not tokens or not _is_bytes(column.type):
        return column
    known = pc.is_in(column, value_set=pa.array(list(tokens), pa.string()).cast(column.type))
    return nulled(column, known) if pc.any(known).as_py() else column


def nulled(column: pa.Array, where: pa.Array) -> pa.Array:
    """Returns a column with null where a mask is true.

    Issue: given a single scalar null, `pc.if_else` of pyarrow 18.1 reads the text of a slice from
    wrong places: other values come out, or a crash. Solution: one null per row.
    """
    return pc.if_else(where, pa.nulls(len(column), column.type), column)


def wholes(column: pa.Array) -> Read:
    """Parses whole numbers: int64. Moments, also as text, are seconds since 1970 (UTC)."""
    column = _plain(column)
    kind = column.type
    if pa.types.is_string(kind):
        if len(column) > column.null_count and _all(column, PLAIN_MOMENT):
            with suppress(pa.ArrowInvalid):  # such as 31 February
                return _seconds(column.cast(pa.timestamp("us", "UTC")))
        return _from_text(column, PLAIN_WHOLE, pa.int64(), values.whole)
    if _is_temporal(kind):
        return _seconds(column)
    if pa.types.is_floating(kind):
        return _whole_floats(column.cast(pa.float64()))
    try:
        return Read(column.cast(pa.int64()), {})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _by_value(column, pa.int64(), values.whole)


def numbers(column: pa.Array) -> Read:
    """Parses numbers: float64. Durations are seconds; other times are refused."""
    column = _plain(column)
    kind = column.type
    if pa.types.is_string(kind):
        return _without_infinite(_numbers_of(column), column)
    if pa.types.is_duration(kind):
        ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False)
        return Read(pc.divide(ticks, float(A_SECOND[kind.unit])), {})
    if _is_temporal(kind):
        reason = TIME_OF_DAY if pa.types.is_time(kind) else MOMENT_AS_FLOAT
        return _refuse_all(column, pa.float64(), reason)
    try:
        return Read(column.cast(pa.float64(), safe=False), {})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _by_value(column, pa.float64(), values.number)


def booleans(column: pa.Array) -> Read:
    """Parses booleans: `true` and `false` in words, or 1 and 0."""
    column = _plain(column)
    if pa.types.is_boolean(column.type):
        return Read(column, {})
    if _is_temporal(column.type):
        return _refuse_all(column, pa.bool_(), values.NOT_BOOLEAN)
    return _by_value(column, pa.bool_(), values.boolean)


def moments(column: pa.Array) -> Read:
    """Parses moments: timestamps in microseconds, UTC."""
    column, utc = _plain(column), pa.timestamp("us", "UTC")
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        inside, refused = _within_years(column)
        plain = inside.cast(pa.timestamp("us"), safe=False)  # UTC if it has no zone
        return Read(plain.cast(utc), refused)
    if _is_temporal(column.type):
        return _refuse_all(column, utc, values.NOT_A_MOMENT)
    if pa.types.is_integer(column.type) or _all(column, PLAIN_WHOLE):
        seconds = wholes(column).column
        if _all_within(seconds, values.YEAR_1, values.YEAR_10000 - 1):
            return Read(seconds.cast(pa.timestamp("s", "UTC")).cast(utc), {})
    if pa.types.is_string(column.type):
        with suppress(pa.ArrowInvalid):  # such as 31 February, and digits beyond the microsecond
            return _from_text(column, PLAIN_MOMENT, utc, values.moment)
    return _by_value(column, utc, values.moment)


def texts(column: pa.Array) -> Read:
    """Converts to text: binary, unchanged; numbers and times as Arrow writes them.

    Whole numbers are written as digits, whatever their type; 16 bytes that are not ASCII are a
    UUID.
    """
    column = _plain(column)
    if pa.types.is_nested(column.type):
        return _refuse_all(column, pa.binary(), NESTED)
    if _is_bytes(column.type):
        return Read(column.cast(pa.binary()), {})
    if pa.types.is_decimal(column.type):  # for which Arrow writes 0E-9
        plain = [None if value is None else f"{value:f}".encode() for value in column.to_pylist()]
        return Read(pa.array(plain, pa.binary()), {})
    inside, refused = _within_years(column)
    try:
        text = inside.cast(pa.string(), safe=False)
    except pa.ArrowNotImplementedError:
        return _refuse_all(column, pa.binary(), NO_TEXT)
    if pa.types.is_floating(column.type):
        text = pc.coalesce(_digits(column.cast(pa.float64())), text)
    return Read(text.cast(pa.binary()), refused)


def text_of(value: Any) -> bytes:
    """Converts one value as `texts` does.

    Raises:
        ValueError: If it has no text.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    try:
        column, refused = texts(pa.array([str(value) if isinstance(value, UUID) else value]))
    except (pa.ArrowException, OverflowError) as error:
        raise ValueError(NO_TEXT) from error
    if refused:
        raise ValueError(refused[0])
    text: bytes = column[0].as_py()
    return text


def one_id(keys: pa.Array) -> pa.Array:
    """Returns the text of ids, equal for all types: `7.0` and `7.000` become `7`.

    Args:
        keys: Strings, or numbers, shape [n].
    """
    text = keys.cast(pa.string())
    return pc.replace_substring_regex(text, r"^(0|-?[1-9][0-9]*)\.0+$", r"\1")


def _floats32(column: pa.Array) -> Read:
    found, refused = numbers(column)
    magnitude = pc.abs(found)
    beyond = pc.and_(pc.greater_equal(magnitude, FLOAT32_LIMIT), pc.is_finite(found))
    rows = _rows(beyond)
    if len(rows):
        found = nulled(found, beyond)
        refused = {**refused, **dict.fromkeys(rows, BEYOND_FLOAT)}
    return Read(found.cast(pa.float32(), safe=False), refused)


READERS: Mapping[str, Callable[[pa.Array], Read]] = {
    "FLOAT": _floats32,
    "INT": wholes,
    "BYTES": texts,
}
"""The parsers for the types of a schema."""


def natural_kind(type_: pa.DataType) -> str:
    """Returns the schema's type nearest to a type of Arrow."""
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "FLOAT"
    return "INT" if pa.types.is_integer(type_) or pa.types.is_boolean(type_) else "BYTES"


def _plain(column: pa.Array) -> pa.Array:
    """Unwraps dictionaries and extensions; text becomes strings, or bytes if it is not UTF-8."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type):
        return column.cast(pa.string())
    if pa.types.is_fixed_size_binary(column.type) and column.type.byte_width == UUID_BYTES:
        return pa.array([_uuid(value) for value in column.to_pylist()], pa.string())
    if _is_bytes(column.type):
        try:
            return column.cast(pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:  # not UTF-8
            return column.cast(pa.binary())
    return column


def _is_text(type_: pa.DataType) -> bool:
    return (
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_string_view(type_)
    )


def _is_bytes(type_: pa.DataType) -> bool:
    return (
        pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
        or pa.types.is_binary_view(type_)
        or pa.types.is_fixed_size_binary(type_)
        or _is_text(type_)
    )


def _is_temporal(type_: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(type_)) and not pa.types.is_interval(type_)


def _from_text(
    column: pa.Array, plain: str, type_: pa.DataType, read: Callable[[Any], Any]
) -> Read:
    """Parses plain values with Arrow, and the others one by one."""
    if _all(column, plain):
        return Read(column.cast(type_), {})
    fast = pc.match_substring_regex(column, plain)
    numbers_ = nulled(column, pc.invert(fast)).cast(type_)
    rest = _by_value(nulled(column, fast), type_, read)
    return Read(pc.coalesce(numbers_, rest.column), rest.refused)


def _numbers_of(text: pa.Array) -> Read:
    try:  # Arrow accepts less than the rules: no white space, no words for booleans
        return Read(text.cast(pa.float64()), {})
    except pa.ArrowInvalid:
        return _from_text(text, PLAIN_NUMBER, pa.float64(), values.number)


def _all(column: pa.Array, pattern: str) -> bool:
    if not pa.types.is_string(column.type):
        return False
    found = pc.all(pc.match_substring_regex(column, pattern), min_count=0)
    return found.as_py() is not False


def _all_within(column: pa.Array, low: int, high: int) -> bool:
    ends = pc.min_max(column).as_py()
    return ends["min"] is None or (low <= ends["min"] and ends["max"] <= high)


def _by_value(column: pa.Array, type_: pa.DataType, read: Callable[[Any], Any]) -> Read:
    if pa.types.is_nested(column.type):
        return _refuse_all(column, type_, NESTED)
    found, refused = [], {}
    for row, value in enumerate(column.to_pylist()):
        try:
            found.append(None if value is None else read(value))
        except ValueError as error:
            found.append(None)
            refused[row] = str(error)
    return Read(pa.array(found, type_), refused)


def _without_infinite(read: Read, text: pa.Array) -> Read:
    """Refuses values that became infinite, such as 1e400, unless they say `inf`."""
    if not pc.any(pc.is_inf(read.column)).as_py():
        return read
    beyond = pc.and_(pc.is_inf(read.column), pc.match_substring_regex(text, r"[0-9]"))
    rows = _rows(beyond)
    if not len(rows):
        return read
    refused = {**read.refused, **dict.fromkeys(rows, BEYOND_FLOAT)}
    return Read(nulled(read.column, beyond), refused)


def _whole_floats(column: pa.Array) -> Read:
    found = column.to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        fits = (found >= -(2.0**63)) & (found < 2.0**63) & (found == np.floor(found))
        whole = np.where(fits, found, 0).astype(np.int64)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    refused = dict.fromkeys(np.flatnonzero(~fits & ~missing).tolist(), NOT_WHOLE)
    return Read(pa.array(whole, pa.int64(), mask=~fits), refused)


def _seconds(column: pa.Array) -> Read:
    kind = column.type
    if pa.types.is_time(kind):
        return _refuse_all(column, pa.int64(), TIME_OF_DAY)
    if pa.types.is_date32(kind):
        return Read(pc.multiply(column.cast(pa.int32()).cast(pa.int64()), DAY), {})
    ticks, size = column.cast(pa.int64()), A_SECOND["ms" if pa.types.is_date64(kind) else kind.unit]
    # Arrow divides towards zero, which is exact without a remainder.
    seconds = pc.divide(ticks, size)
    left = pc.not_equal(pc.multiply(seconds, size), ticks)
    refused = dict.fromkeys(_rows(left), FRACTION)
    return Read(nulled(seconds, left), refused)


def _within_years(column: pa.Array) -> Read:
    """Refuses timestamps and dates outside the years 1 to 9999, which Python cannot represent."""
    kind = column.type
    if not pa.types.is_timestamp(kind) and not pa.types.is_date(kind):
        return Read(column, {})
    days = pa.types.is_date32(kind)
    ticks = column.cast(pa.int32() if days else pa.int64()).cast(pa.int64())
    size = 1 if days else A_SECOND["ms" if pa.types.is_date64(kind) else kind.unit]
    first, last = (
        year * size // (DAY if days else 1) for year in (values.YEAR_1, values.YEAR_10000)
    )
    outside = pc.or_(
        pc.less(ticks, max(first, INT64[0])), pc.greater(ticks, min(last - 1, INT64[1]))
    )
    rows = _rows(outside)
    if not rows:
        return Read(column, {})
    return Read(nulled(column, outside), dict.fromkeys(rows, values.NOT_A_MOMENT))


def _refuse_all(column: pa.Array, type_: pa.DataType, reason: str) -> Read:
    rows = _rows(column.is_valid())
    return Read(pa.nulls(len(column), type_), dict.fromkeys(rows, reason))


def _rows(mask: pa.Array) -> list[int]:
    rows: list[int] = np.flatnonzero(mask.fill_null(False).to_numpy(zero_copy_only=False)).tolist()
    return rows


def _digits(column: pa.Array) -> pa.Array:
    """Returns whole doubles as digits (Arrow writes 1e+15); null for others."""
    found = column.to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        whole = (np.abs(found) < WHOLE_FLOATS) & (found == np.floor(found))
        digits = pa.array(np.where(whole, found, 0).astype(np.int64), mask=~whole)
    return digits.cast(pa.string())


def _uuid(value: bytes | None) -> str | None:
    if value is None or (value.isascii() and value.decode().isprintable()):
        return None if value is None else value.decode()
    return str(UUID(bytes=value))


def _shown(value: pa.Scalar) -> str:
    try:
        return str(value.as_py())
    except (ValueError, OverflowError):  # a moment beyond Python's calendar
        return str(value.value)
