"""Parses one value as a number, a whole number, a boolean or a moment, or refuses it."""

import math
import re
import sys
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

SPACE = r"[ \t\n\f\r]*"
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False}
BOOLEANS |= {"FALSE": False}
INT64 = (-(2**63), 2**63 - 1)
FLOAT32_LIMIT = 2.0**128 - 2.0**103
"""From here on, the nearest float32 is infinite."""
YEAR_1, YEAR_10000 = -62_135_596_800, 253_402_300_800  # seconds since 1970-01-01 UTC

NOT_A_NUMBER = "is not a number"
NOT_WHOLE = "is not a whole number"
NOT_BOOLEAN = "is not true or false, 1 or 0"
NOT_A_MOMENT = "is not a moment: ISO-8601, or seconds since 1970"
BEYOND_FLOAT = "is beyond what a float of 32 bits holds"
FRACTION = "has a fraction of a second, where whole seconds are taken"
MOMENT_AS_FLOAT = "is a moment, which a FLOAT does not hold to the second: make the column INT"
BEYOND_CALENDAR = "is beyond the years 1 to 9999"
TIME_OF_DAY = "is a time of day, which is no moment: deliver seconds"

_NUMBER = re.compile(NUMBER)
_SPECIAL = re.compile(r"([+-]?)(?:(nan)(?:\(\w*\))?|(inf)(?:inity)?)", re.IGNORECASE | re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?"
)


def is_missing(value: Any, tokens: Collection[str] = ()) -> bool:
    """Returns whether a value is missing: None, NaN, NaT, NA, or text that is one of the tokens."""
    if isinstance(value, str):
        return value in tokens
    if isinstance(value, float | np.floating | date | np.datetime64 | np.timedelta64):
        return bool(value != value)  # noqa: PLR0124 - NaN, and NaT of NumPy and pandas
    return value is None or value is getattr(sys.modules.get("pandas"), "NA", None)


def number(value: Any, limit: float = math.inf) -> float:
    """Returns a number as the nearest double. A duration is its seconds.

    Args:
        value: A number, or its text.
        limit: The bound from which a finite number is too large.

    Raises:
        ValueError: If the value is not a number, in words that follow it.
    """
    found = _double(_plain(value))
    if math.isfinite(found) and abs(found) >= limit:
        raise ValueError(BEYOND_FLOAT)
    return found


def _double(value: Any) -> float:
    if isinstance(value, date):
        raise ValueError(MOMENT_AS_FLOAT)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return _special(value)
        value = float(value)
        if math.isinf(value):
            raise ValueError(BEYOND_FLOAT)
        return float(value)
    if not isinstance(value, int | float | Decimal):
        raise ValueError(NOT_A_NUMBER)
    try:
        return float(value)
    except OverflowError:
        raise ValueError(BEYOND_FLOAT) from None


def whole(value: Any, limits: tuple[int, int] = INT64) -> int:
    """Returns a whole number, exactly. Moments are seconds since 1970 (UTC), durations seconds.

    Args:
        value: A number or a moment, or the text of one.
        limits: The smallest and the largest allowed number.

    Raises:
        ValueError: If the value is not a whole number within the limits, in words that follow it.
    """
    value = _plain(value)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        value = moment(value)
    if isinstance(value, date | time | timedelta) and not is_missing(value):
        value = _seconds(value)
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError(NOT_WHOLE)
        try:
            value = Decimal(value)
        except ArithmeticError:  # an exponent of 19 digits
            raise ValueError(NOT_WHOLE) from None
    if not isinstance(value, int | float | Decimal) or _is_infinite(value):
        raise ValueError(NOT_WHOLE)
    # The range first: the digits of 1e1000000000 would fill the memory.
    if not limits[0] <= value <= limits[1]:
        raise ValueError(_beyond(limits))
    if value != int(value):
        raise ValueError(NOT_WHOLE)
    return int(value)


def boolean(value: Any) -> bool:
    """Returns a boolean for a boolean or its words, or for a number that is 1 or 0.

    Raises:
        ValueError: If the value is neither.
    """
    value = _plain(value)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        raise ValueError(NOT_BOOLEAN)
    try:
        return bool(whole(value, (0, 1)))
    except ValueError:
        raise ValueError(NOT_BOOLEAN) from None


def moment(value: Any) -> datetime:
    """Returns a moment in UTC, to the microsecond.

    Args:
        value: ISO-8601, a date, a datetime (UTC if it has no zone), or seconds since 1970.

    Raises:
        ValueError: If the value is not a moment in the years 1 to 9999.
    """
    value = _trimmed(value) if isinstance(value, str | bytes) else value
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            value = _iso(value)
        if isinstance(value, date):
            return _in_utc(value)
        seconds = number(value)
        if YEAR_1 <= seconds < YEAR_10000:
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(NOT_A_MOMENT)


def _in_utc(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(BEYOND_CALENDAR) from None


def _seconds(value: date | time | timedelta) -> int:
    if isinstance(value, time):
        raise ValueError(TIME_OF_DAY)
    if isinstance(value, date):
        value = _in_utc(value) - datetime(1970, 1, 1, tzinfo=UTC)
    if value % timedelta(seconds=1):
        raise ValueError(FRACTION)
    return value // timedelta(seconds=1)


def _iso(text: str) -> datetime:
    zone = text[11:].replace("UTC", "Z").replace(" ", "")
    return datetime.fromisoformat(text[:11] + zone)


def _plain(value: Any) -> Any:
    """Converts NumPy scalars to Python's, strips text, and converts `true` and `false`."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return None if is_missing(value) else _item(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | bytes):
        text = _trimmed(value)
        return BOOLEANS.get(text, text)
    return value


def _item(value: np.datetime64 | np.timedelta64) -> date | timedelta:
    """Converts NumPy's moments and durations; `.item()` makes large ones numbers."""
    held = value.astype(f"{value.dtype.kind}8[us]")
    if held.astype(value.dtype) != value:
        is_fine = np.datetime_data(value.dtype)[0] in ("ns", "ps", "fs", "as")
        raise ValueError(FRACTION if is_fine else BEYOND_CALENDAR)
    item = held.item()
    if not isinstance(item, date | timedelta):
        raise ValueError(BEYOND_CALENDAR)
    return item


def _trimmed(value: str | bytes) -> str:
    # Text that is not UTF-8 is not a number either.
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return text.strip(" \t\n\f\r")


def _special(text: str) -> float:
    match = _SPECIAL.fullmatch(text)
    if not match:
        raise ValueError(NOT_A_NUMBER)
    return float(match[1] + (match[2] or match[3]))


def _is_infinite(value: float | Decimal) -> bool:
    return not isinstance(value, int) and not math.isfinite(value)


def _beyond(limits: tuple[int, int]) -> str:
    if limits == INT64:
        return "is beyond the whole numbers of 64 bits"
    return f"is not a whole number from {limits[0]} to {limits[1]}"
