"""Mismatches of a column with its schema, as numbers, and the sentence made of them."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from evergreen.texts import shorten

HUGE = 1e9
MAX_TEXT, MAX_VALUES, MAX_DOMAIN = 80, 5, 10


class Mismatch(BaseModel):
    """What a schema expects of a column, and what its values are instead.

    Only what the kind of the anomaly is about has a value.

    Attributes:
        bound: The limit in the schema: of values, of their number in a row, of rows with a value,
            or of the share of those.
        found: The value farthest beyond it, or number of values.
        type: The expected type of values, in words.
        found_type: Their type.
        domain: The first of the values that may occur.
        domain_size: The number of values that may occur.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    bound: int | float | None = None
    found: int | float | None = None
    type: str = ""
    found_type: str = ""
    domain: tuple[str, ...] = ()
    domain_size: int = 0

    def words(self, kind: str, count: int, rows: int, values: Sequence[str]) -> str:
        """Returns a sentence.

        Args:
            kind: The name of the anomaly's type.
            count: The rows concerned.
            rows: All rows checked.
            values: Up to five of the values concerned.
        """
        expected, found = WORDS[kind](self, rows - count, rows, values)
        return f"expected {expected}; found {found}"


def percent(share: float) -> str:
    """Returns a share as percentage with six digits, so that a few rows of many still show."""
    return f"{100 * share:.6g} %"


def as_text(value: bytes | float) -> str:
    """Formats a value: numbers with float32's precision, long text cut at 80 characters."""
    if isinstance(value, bytes):
        return shorten(value.decode(errors="backslashreplace"), MAX_TEXT)
    if isinstance(value, int):
        return str(value)
    number = np.float32(value)
    return np.format_float_positional(number, trim="-") if abs(number) < HUGE else str(number)


def _bound(mismatch: Mismatch) -> float:
    return math.nan if mismatch.bound is None else mismatch.bound


def _number(mismatch: Mismatch) -> str:
    return as_text(math.nan if mismatch.found is None else mismatch.found)


def _wanted(mismatch: Mismatch) -> str:
    least = _bound(mismatch)
    where = "every row" if least == 1 else f"at least {percent(least)} of the rows"
    return f"a value in {where}"


def _present(present: int, rows: int) -> str:
    return f"one in {_many(present, 'row')} ({percent(present / rows)})"


def _domain(mismatch: Mismatch) -> str:
    size, known = mismatch.domain_size, mismatch.domain
    more = f", ... ({size} values)" if size > len(known) else ""
    return f"one of {', '.join(known)}{more}"


def _others(values: Sequence[str]) -> str:
    least = "at least " if len(values) == MAX_VALUES else ""
    return f"{least}{_many(len(values), 'other value')}"


def _many(number: float, noun: str) -> str:
    return f"{as_text(number)} {noun}{'' if number == 1 else 's'}"


def _at_least(mismatch: Mismatch, *_: object) -> tuple[str, str]:
    return f"at least {as_text(_bound(mismatch))}", f"down to {_number(mismatch)}"


def _at_most(mismatch: Mismatch, *_: object) -> tuple[str, str]:
    return f"at most {as_text(_bound(mismatch))}", f"up to {_number(mismatch)}"


WORDS: dict[str, Callable[[Mismatch, int, int, Sequence[str]], tuple[str, str]]] = {
    "SCHEMA_MISSING_COLUMN": lambda mismatch, *_: (f"a column of {mismatch.type}", "none"),
    "SCHEMA_NEW_COLUMN": lambda mismatch, *_: (
        "no such column",
        f"one with {mismatch.found_type}",
    ),
    "FEATURE_TYPE_NOT_PRESENT": lambda mismatch, *_: (_wanted(mismatch), "none"),
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": lambda mismatch, present, rows, _: (
        _wanted(mismatch),
        _present(present, rows),
    ),
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": lambda mismatch, present, rows, _: (
        f"a value in at least {_many(_bound(mismatch), 'row')}",
        _present(present, rows),
    ),
    "FEATURE_TYPE_LOW_NUMBER_VALUES": lambda mismatch, *_: (
        f"at least {_many(_bound(mismatch), 'value')} a row",
        f"as few as {_number(mismatch)}",
    ),
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": lambda mismatch, *_: (
        f"at most {_many(_bound(mismatch), 'value')} a row",
        f"up to {_number(mismatch)}",
    ),
    "UNEXPECTED_DATA_TYPE": lambda mismatch, *_: (mismatch.type, mismatch.found_type),
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": lambda mismatch, _, __, values: (
        _domain(mismatch),
        _others(values),
    ),
    "ENUM_TYPE_INVALID_UTF8": lambda *_: ("text in UTF-8", "other bytes"),
    "INT_TYPE_SMALL_INT": _at_least,
    "INT_TYPE_BIG_INT": _at_most,
    "INT_TYPE_NOT_INT_STRING": lambda *_: ("whole numbers", "text that is none"),
    "FLOAT_TYPE_SMALL_FLOAT": _at_least,
    "FLOAT_TYPE_BIG_FLOAT": _at_most,
    "FLOAT_TYPE_STRING_NOT_FLOAT": lambda *_: ("numbers", "text that is none"),
    "FLOAT_TYPE_HAS_NAN": lambda *_: ("numbers", "NaN"),
    "FLOAT_TYPE_HAS_INF": lambda *_: ("finite numbers", "infinite ones"),
}
"""What is expected and what is found, by kind; of the mismatch, rows with a value, rows, values."""
