"""Values come to the type of the schema, or their rows are refused by row, column and value."""

import math
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evergreen.quality.columns import READERS, Refusal, coerce, moments, one_id
from evergreen.quality.values import BEYOND_FLOAT
from tests.fuzzing import fuzz

TYPES = {"FLOAT": pa.float32(), "INT": pa.int64(), "BYTES": pa.binary()}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBER_LIKE = st.from_regex(r"[ \t]?[+-]?[0-9]{0,20}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,4})?[ \n]?")
WORDS = st.sampled_from(["nan", "-NaN", "nan(1)", "inf", "+Infinity", "0x10", "1_0", "1d", "٣", ""])
VALUES = st.none() | TEXT | NUMBER_LIKE | WORDS | st.integers(-(2**70), 2**70).map(str)


def coerce_one(values: list | pa.Array, kind: str | None) -> tuple[pa.Array, list[Refusal]]:
    column = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    batch = pa.record_batch([column], names=["c"])
    columns, refusals = coerce(batch, {"c": kind} if kind else {})
    return columns["c"], refusals


def same(value: object, other: object) -> bool:
    both_nan = value != value and other != other  # noqa: PLR0124 - only NaN is not itself
    return value == other or both_nan


@fuzz(300)
@given(st.lists(VALUES, max_size=6), st.sampled_from(list(TYPES)))
def test_any_text_is_taken_or_refused(values: list[str | None], kind: str) -> None:
    column, refusals = coerce_one(values, kind)
    assert column.type == TYPES[kind]
    refused = {refusal.row: refusal.value for refusal in refusals}
    assert refused == {row: values[row] for row in refused}
    expected = [value is None or row in refused for row, value in enumerate(values)]
    assert column.is_null().to_pylist() == expected


@fuzz(300)
@given(st.lists(VALUES, min_size=2, max_size=4), st.sampled_from(["FLOAT", "INT"]))
@example(["9007199254740993", "3.0"], "INT")
@example(["9007199254740993", "x"], "INT")
@example(["0x10", "x"], "INT")
@example(["nan(1)", "x"], "FLOAT")
@example([" 5\n", "x"], "INT")
def test_a_value_is_read_alike_whatever_stands_beside_it(
    values: list[str | None], kind: str
) -> None:
    together, refusals = coerce_one(values, kind)
    refused = {refusal.row for refusal in refusals}
    for row, value in enumerate(values):
        alone, refusal = coerce_one([value], kind)
        assert same(together[row].as_py(), alone[0].as_py())
        assert (row in refused) == bool(refusal)


@pytest.mark.parametrize(
    ("values", "kind", "expected", "refused"),
    [
        (pa.array([1.0, 2.5, math.nan, None]), "INT", [1, None, None, None], [1, 2]),
        (pa.array([2**63, 7], pa.uint64()), "INT", [None, 7], [0]),
        (pa.array([2**53 + 1, None]), "FLOAT", [2.0**53, None], []),
        (pa.array([2**53 + 1, None]), "INT", [2**53 + 1, None], []),
        (pa.array([True, None]), "INT", [1, None], []),
        (pa.array([Decimal("2.00"), Decimal("2.50")]), "INT", [2, None], [1]),
        (pa.array(["4", "x"]).dictionary_encode(), "INT", [4, None], [1]),
        (pa.array([b"4", b"\xff"]), "FLOAT", [4.0, None], [1]),
        (pa.array([date(2016, 1, 1)]), "FLOAT", [None], [0]),
        (pa.array([None, None], pa.null()), "FLOAT", [None, None], []),
        (pa.array([b"\xff", None]), "BYTES", [b"\xff", None], []),
        (pa.array([7, None]), "BYTES", [b"7", None], []),
    ],
)
def test_columns_with_types_are_held_to_the_schema_too(
    values: pa.Array, kind: str, expected: list, refused: list[int]
) -> None:
    column, refusals = coerce_one(values, kind)
    assert column.equals(pa.array(expected, TYPES[kind]))
    assert [refusal.row for refusal in refusals] == refused


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["a", None]), pa.array([b"a", None])),
        (pa.array([b"\xff"]), pa.array([b"\xff"])),
        (pa.array([7, None], pa.int16()), pa.array([7, None])),
        (pa.array([1.5, None]), pa.array([1.5, None], pa.float32())),
        (pa.array([True]), pa.array([1])),
        (pa.array([date(2016, 1, 31)]), pa.array([b"2016-01-31"])),
        (pa.array(["a", None]).dictionary_encode(), pa.array([b"a", None])),
        (pa.nulls(1), pa.nulls(1, pa.binary())),
    ],
)
def test_columns_that_the_schema_does_not_know_keep_their_nature(
    values: pa.Array, expected: pa.Array
) -> None:
    column, refusals = coerce_one(values, None)
    assert column.equals(expected)
    assert not refusals


@pytest.mark.parametrize("kind", ["FLOAT", "INT", "BYTES", None])
@pytest.mark.parametrize("values", [[["a"], None], [{"a": 1}, None]])
def test_lists_and_records_are_refused_in_one_sentence(kind: str | None, values: list) -> None:
    column, refusals = coerce_one(pa.array(values), kind)
    assert column.null_count == 2
    reason = "is a list or record, and a row has one value a column"
    assert refusals == [Refusal(0, "c", str(values[0]), reason)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
        pa.RunEndEncodedArray.from_arrays([2], [1]),
    ],
)
def test_what_arrow_has_no_text_of_is_refused(column: pa.Array) -> None:
    read = READERS["BYTES"](column)
    assert read.column.null_count == len(read.column) == 2
    assert read.refused[0] == "is not text"


SECOND = 1_420_073_100
STAMPS = pa.array([SECOND, None], pa.timestamp("s"))


@pytest.mark.parametrize(
    "values",
    [
        STAMPS,
        STAMPS.cast(pa.timestamp("ms")),
        STAMPS.cast(pa.timestamp("us", "UTC")),
        STAMPS.cast(pa.timestamp("us", "Europe/Berlin")),
        STAMPS.cast(pa.timestamp("ns")),
        pa.array([timedelta(seconds=SECOND), None], pa.duration("us")),
    ],
    ids=lambda values: str(values.type),
)
def test_times_are_whole_seconds_where_whole_numbers_are_taken(values: pa.Array) -> None:
    column, refusals = coerce_one(values, "INT")
    assert column.to_pylist() == [SECOND, None]
    assert not refusals


def test_dates_are_the_seconds_of_their_midnight_in_utc() -> None:
    for type_ in (pa.date32(), pa.date64()):
        column, refusals = coerce_one(
            pa.array([date(2015, 1, 1), date(1969, 12, 31)], type_), "INT"
        )
        assert (column.to_pylist(), refusals) == ([1_420_070_400, -86_400], [])


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        (pa.array([-1, 1500], pa.timestamp("ms")), "INT", "has a fraction of a second"),
        (pa.array([1, 2], pa.timestamp("ns")), "INT", "has a fraction of a second"),
        (pa.array([1, 1], pa.time32("s")), "INT", "is a time of day"),
        (pa.array([1, 1], pa.time64("us")), "FLOAT", "is a time of day"),
        (pa.array([0, 1], pa.timestamp("us")), "FLOAT", "make the column INT"),
        (pa.array([0, 1], pa.date32()), "FLOAT", "make the column INT"),
    ],
)
def test_times_that_are_no_whole_seconds_are_refused(
    values: pa.Array, kind: str, reason: str
) -> None:
    column, refusals = coerce_one(values, kind)
    assert column.null_count == 2
    assert [reason in refusal.reason for refusal in refusals] == [True, True]


@pytest.mark.parametrize("type_", [pa.timestamp("s"), pa.timestamp("ms", "CET"), pa.date32()])
def test_moments_of_no_year_from_1_to_9999_are_refused(type_: pa.DataType) -> None:
    far = 2**31 - 1 if type_ == pa.date32() else 2**62
    values = pa.array([far, 0], pa.int32() if type_ == pa.date32() else pa.int64()).cast(type_)
    read = moments(values)
    assert (read.column.is_null().to_pylist(), list(read.refused)) == ([True, False], [0])
    column, refusals = coerce_one(values, "BYTES")
    assert column[1].as_py().startswith(b"1970-01-01")
    assert [refusal.row for refusal in refusals] == [0]


def test_moments_with_a_zone_are_the_same_in_utc() -> None:
    berlin = STAMPS.cast(pa.timestamp("us", "Europe/Berlin"))
    assert moments(berlin).column.cast(pa.timestamp("s")).to_pylist() == STAMPS.to_pylist()


def test_durations_are_seconds_where_numbers_are_taken() -> None:
    column, refusals = coerce_one(pa.array([1500, None], pa.duration("ms")), "FLOAT")
    assert (column.to_pylist(), refusals) == ([1.5, None], [])


@pytest.mark.parametrize("values", [["3.4028235e38", "1e39"], [3.4028234663852886e38, -1e39]])
def test_no_number_becomes_infinite(values: list) -> None:
    column, refusals = coerce_one(pa.array(values), "FLOAT")
    assert column.to_pylist() == [3.4028234663852886e38, None]
    assert refusals == [Refusal(1, "c", str(values[1]), BEYOND_FLOAT)]


def test_tokens_are_missing_values_whatever_the_type() -> None:
    tokens = ["", "NA", "-"]
    for kind in TYPES:
        for values in (["NA", "1", "", "-"], [b"NA", b"1", b"", b"-"]):
            columns, refusals = coerce(
                pa.record_batch([pa.array(values)], ["c"]), {"c": kind}, tokens
            )
            assert columns["c"].is_null().to_pylist() == [True, False, True, True]
            assert not refusals
    binary = pa.array([b"NA", b"\xff"])
    columns, _ = coerce(pa.record_batch([binary], ["c"]), {"c": "BYTES"}, tokens)
    assert columns["c"].to_pylist() == [None, b"\xff"]


@pytest.mark.parametrize("kind", TYPES)
def test_rows_of_a_slice_are_the_rows_of_the_whole(kind: str) -> None:
    """Arrow keeps a slice as a place in the whole, and some of its functions forget the place."""
    texts = [None if at % 7 == 0 else ["NA", f"{at}.0", f"{at}", "x"][at % 4] for at in range(300)]
    for type_ in (pa.string(), pa.large_string(), pa.binary()):
        batch = pa.record_batch([pa.array(texts, pa.string()).cast(type_)], ["c"])
        whole, _ = coerce(batch, {"c": kind}, ["NA"])
        for start in range(0, 300, 37):
            part, refusals = coerce(batch.slice(start, 37), {"c": kind}, ["NA"])
            assert part["c"].to_pylist() == whole["c"].to_pylist()[start : start + 37]
            assert all(texts[start + refusal.row] == refusal.value for refusal in refusals)


IDS = [0, 7, 100_000, 10**15]
UUIDS = [UUID(int=number << 64 | 2**63) for number in IDS]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(list(map(str, IDS))),
        pa.array(IDS),
        pa.array(list(map(float, IDS))),
        pa.array([f"{number}.0" for number in IDS]),
        pa.array(list(map(Decimal, IDS)), pa.decimal128(38, 0)),
        pa.array(list(map(Decimal, IDS)), pa.decimal128(38, 9)),
        pa.array(list(map(str, IDS)), pa.large_string()),
        pa.array(list(map(str, IDS))).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_an_id_is_the_same_whatever_type_it_came_as(values: pa.Array) -> None:
    column, _ = coerce_one(values, "BYTES")
    assert one_id(column).to_pylist() == list(map(str, IDS))


def test_sixteen_bytes_are_the_text_of_a_uuid_unless_they_are_text() -> None:
    binary = pa.array([uuid.bytes for uuid in UUIDS] + [b"0123456789abcdef", None], pa.binary(16))
    column, refusals = coerce_one(binary, "BYTES")
    assert column.to_pylist() == [
        *(str(uuid).encode() for uuid in UUIDS),
        b"0123456789abcdef",
        None,
    ]
    assert not refusals


@pytest.mark.parametrize("text", ["007", "7.0.0", "1e5", "00.0", "1.10", "-0", "v1.0", "0x1F"])
def test_other_texts_are_ids_to_the_letter(text: str) -> None:
    assert one_id(pa.array([text])).to_pylist() == [text]
