"""One table of what is taken and what is refused, for one value and for columns alike."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evergreen.quality import columns, values
from tests.fuzzing import fuzz

INF, NAN = math.inf, math.nan
REFUSED = None
# text: as a whole number, as a number, as a boolean
FORMS: dict[str, tuple[int | None, float | None, bool | None]] = {
    "5": (5, 5.0, REFUSED),
    "-1": (-1, -1.0, REFUSED),
    "+5": (5, 5.0, REFUSED),
    "05": (5, 5.0, REFUSED),
    " 5\t": (5, 5.0, REFUSED),
    "5.0": (5, 5.0, REFUSED),
    "5.": (5, 5.0, REFUSED),
    "1e1": (10, 10.0, REFUSED),
    "1E+1": (10, 10.0, REFUSED),
    "12e-1": (REFUSED, 1.2, REFUSED),
    "5.5": (REFUSED, 5.5, REFUSED),
    ".5": (REFUSED, 0.5, REFUSED),
    "1": (1, 1.0, True),
    "1.0": (1, 1.0, True),
    "0": (0, 0.0, False),
    "-0": (0, -0.0, False),
    "true": (1, 1.0, True),
    "True": (1, 1.0, True),
    "TRUE": (1, 1.0, True),
    "false": (0, 0.0, False),
    " False": (0, 0.0, False),
    "9007199254740993": (9007199254740993, 9007199254740992.0, REFUSED),
    "9007199254740993.0": (9007199254740993, 9007199254740992.0, REFUSED),
    "9223372036854775807": (2**63 - 1, 2.0**63, REFUSED),
    "-9223372036854775808": (-(2**63), -(2.0**63), REFUSED),
    "9223372036854775808": (REFUSED, 2.0**63, REFUSED),
    "12345678901234567890": (REFUSED, 12345678901234567890.0, REFUSED),
    "1e300": (REFUSED, 1e300, REFUSED),
    "1e400": (REFUSED, REFUSED, REFUSED),
    "1e-400": (REFUSED, 0.0, REFUSED),
    "1e9999999999999999999": (REFUSED, REFUSED, REFUSED),
    "1e-999999999": (REFUSED, 0.0, REFUSED),
    "nan": (REFUSED, NAN, REFUSED),
    "-NaN": (REFUSED, NAN, REFUSED),
    "nan(ind)": (REFUSED, NAN, REFUSED),
    "inf": (REFUSED, INF, REFUSED),
    "-Infinity": (REFUSED, -INF, REFUSED),
    "1970-01-01": (0, REFUSED, REFUSED),
    "2016-01-31": (1454198400, REFUSED, REFUSED),
    "2016-01-31 12:30": (1454243400, REFUSED, REFUSED),
    "2016-01-31T12:30:00Z": (1454243400, REFUSED, REFUSED),
    " 2016-01-31 13:30:00+01:00": (1454243400, REFUSED, REFUSED),
    "2016-01-31T12:30:00.000Z": (1454243400, REFUSED, REFUSED),
    "2016-01-31T12:30:00.5Z": (REFUSED, REFUSED, REFUSED),
}
NONE = ["", " ", "1_0", "٣", "\uff15", "5,0", "1,000", "1 000", "0x5", "0b1", "5.5.5", "1e", "e1"]
NONE += ["--5", "+-5", "5-", "$5", "5%", "NA", "null", "None", "yes", "no", "tRUE", "t", "infinit"]
NONE += ["1\x00", "1/2", "2016-02-31", "2016-01-31T25:00", "1j", "\u00a05", "5\u200b", "."]
NONE += ["+", "5f", "5L", "0.1d"]
FORMS |= dict.fromkeys(NONE, (REFUSED, REFUSED, REFUSED))
READ: list[tuple[int, Callable[[Any], Any], Callable[[pa.Array], columns.Read]]] = [
    (0, values.whole, columns.wholes),
    (1, values.number, columns.numbers),
    (2, values.boolean, columns.booleans),
]


def or_refused(read: Callable[[Any], Any], value: object) -> Any:
    try:
        return read(value)
    except ValueError as error:
        assert str(error).startswith(("is not", "is beyond", "has a"))  # noqa: PT017 - if refused
        return REFUSED


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize(("at", "scalar", "columnar"), READ, ids=["whole", "number", "boolean"])
def test_a_form_is_taken_or_refused_alike_as_value_and_in_a_column(
    text: str, at: int, scalar: Any, columnar: Any
) -> None:
    expected = repr(FORMS[text][at])
    assert repr(or_refused(scalar, text)) == expected
    assert repr(or_refused(scalar, text.encode())) == expected
    for beside in ("7", "x", "2016-01-31T12:30:00Z", None):
        for type_ in (pa.string(), pa.binary(), pa.dictionary(pa.int8(), pa.large_string())):
            read = columnar(pa.array([beside, text], pa.string()).cast(type_))
            assert repr(read.column[1].as_py()) == expected
            assert (1 in read.refused) == (FORMS[text][at] is REFUSED)


@pytest.mark.parametrize(
    ("value", "whole", "number"),
    [
        (True, 1, 1.0),
        (np.bool_(False), 0, 0.0),
        (7, 7, 7.0),
        (np.uint64(2**64 - 1), REFUSED, 2.0**64),
        (7.0, 7, 7.0),
        (7.5, REFUSED, 7.5),
        (np.float32(0.5), REFUSED, 0.5),
        (NAN, REFUSED, NAN),
        (INF, REFUSED, INF),
        (2.0**63, REFUSED, 2.0**63),
        (Decimal("7.000"), 7, 7.0),
        (Decimal("7.001"), REFUSED, 7.001),
        (10**400, REFUSED, REFUSED),
        (b"\xff", REFUSED, REFUSED),
        (None, REFUSED, REFUSED),
        ([1], REFUSED, REFUSED),
        (object(), REFUSED, REFUSED),
    ],
)
def test_values_of_other_types_follow_the_rule(
    value: object, whole: object, number: object
) -> None:
    assert repr(or_refused(values.whole, value)) == repr(whole)
    assert repr(or_refused(values.number, value)) == repr(number)


def test_a_whole_number_is_held_to_the_limits_of_its_type() -> None:
    assert values.whole("18446744073709551615", (0, 2**64 - 1)) == 2**64 - 1
    with pytest.raises(ValueError, match="is not a whole number from -128 to 127"):
        values.whole(128, (-128, 127))


NOON = datetime(2016, 1, 31, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2016-01-31T12:30:00Z", NOON),
        ("2016-01-31 12:30", NOON),
        (" 2016-01-31 12:30:00 UTC", NOON),
        ("2016-01-31T13:30:00+01:00", NOON),
        ("2016-01-31 13:30:00 +0100", NOON),
        ("2016-01-31T12:30:00.000001", NOON.replace(microsecond=1)),
        ("2016-01-31", NOON.replace(hour=0, minute=0)),
        (1454243400, NOON),
        ("1454243400", NOON),
        ("1454243400.5", NOON.replace(microsecond=500_000)),
        (1454243400.0, NOON),
        (NOON, NOON),
        (NOON.replace(tzinfo=None), NOON),
        (NOON.date(), NOON.replace(hour=0, minute=0)),
        (1454243400000, REFUSED),  # milliseconds
        ("1454243400000", REFUSED),
        ("", REFUSED),
        ("noon", REFUSED),
        ("2016-13-31", REFUSED),
        ("2016-01-31T25:00", REFUSED),
        ("31.01.2016", REFUSED),
        ("01/31/2016", REFUSED),
        ("nan", REFUSED),
        ("٢٠١٦-01-31", REFUSED),
    ],
)
def test_moments_are_iso_8601_or_seconds(value: object, moment: datetime | None) -> None:
    assert or_refused(values.moment, value) == moment
    read = columns.moments(pa.array([None, value]))
    assert read.column.type == pa.timestamp("us", "UTC")
    assert read.column[1].as_py() == moment
    assert (1 in read.refused) == (moment is REFUSED)


@pytest.mark.parametrize(
    ("value", "tokens", "missing"),
    [
        (None, (), True),
        (NAN, (), True),
        ("", (), False),
        ("", ("",), True),
        ("NA", ("",), False),
        ("NA", ("NA",), True),
        ("na", ("NA",), False),
        (0, ("0",), False),
        (" ", ("",), False),
    ],
)
def test_missing_is_null_or_a_token(value: object, tokens: tuple[str, ...], missing: bool) -> None:
    assert values.is_missing(value, tokens) is missing


LIKE_NUMBERS = st.from_regex(r"[ \t]?[+-]?[0-9]{0,20}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,4})?[ \n]?")
LIKE_MOMENTS = st.from_regex(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|\+01)?"
)
TEXTS = st.text(max_size=8) | st.text("+-.eE0123456789naifNAIF_ xtrue", max_size=9)


@fuzz(300)
@given(LIKE_NUMBERS | LIKE_MOMENTS | TEXTS | st.sampled_from(list(FORMS)))
def test_any_text_is_read_alike_as_a_value_and_in_a_column(text: str) -> None:
    readers = [(scalar, columnar) for _, scalar, columnar in READ]
    for scalar, columnar in [*readers, (values.moment, columns.moments)]:
        assume(text.isascii() or text.isprintable())  # halves of surrogate pairs are no text
        found = columnar(pa.array([text, "7"])).column[0].as_py()
        assert repr(found) == repr(or_refused(scalar, text)) or found == or_refused(scalar, text)


EAST, WEST = (timezone(timedelta(hours=hours)) for hours in (14, -14))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (np.datetime64("20000-01-01"), values.BEYOND_CALENDAR),  # NumPy gives microseconds
        (np.datetime64(10**15, "D"), values.BEYOND_CALENDAR),  # wraps in microseconds
        (np.timedelta64(10**12, "D"), values.BEYOND_CALENDAR),
        (datetime(1, 1, 1, tzinfo=EAST), values.BEYOND_CALENDAR),
        (datetime(9999, 12, 31, 23, tzinfo=WEST), values.BEYOND_CALENDAR),
        (np.datetime64("2020-01-01T00:00:00.000000001"), values.FRACTION),
        (np.timedelta64(5_000_000_001, "ns"), values.FRACTION),
    ],
)
def test_a_moment_is_exact_or_refused(value: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        values.whole(value)


def test_moments_and_durations_of_numpy_and_pandas_are_seconds() -> None:
    for value in (np.datetime64("1970-01-01T00:00:05", "ns"), pd.Timestamp(5, unit="s")):
        assert values.whole(value) == 5
    assert values.whole(np.timedelta64(5, "s")) == 5
    assert values.number(np.timedelta64(5500, "ms")) == 5.5


@pytest.mark.parametrize(
    "value",
    [None, NAN, np.float32("nan"), np.datetime64("NaT"), np.timedelta64("NaT"), pd.NaT, pd.NA],
)
def test_what_numpy_and_pandas_have_for_a_missing_value_is_missing(value: Any) -> None:
    assert values.is_missing(value)
    with pytest.raises(ValueError, match=values.NOT_WHOLE):
        values.whole(value)
