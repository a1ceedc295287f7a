"""Values come to the type of the schema, or their rows are refused by row, column and value."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evergreen.components.example_gen.coercing import Refusal, coerce
from evergreen.errors import EvergreenError

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


def same(one: object, other: object) -> bool:
    both_nan = one != one and other != other  # noqa: PLR0124 - only NaN is not itself
    return one == other or both_nan


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("+5", 5),
        (" -5\t", -5),
        ("007", 7),
        ("5.", 5),
        (".5", 0.5),
        ("-1.5e-3", -0.0015),
        ("1E3", 1000),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("NaN", math.nan),
    ],
)
def test_numbers_in_any_notation_are_floats(text: str, number: float) -> None:
    column, refusals = coerce_one([text, None], "FLOAT")
    assert column.type == pa.float32()
    assert same(column[0].as_py(), float(np.float32(number)))
    assert column[1].as_py() is None
    assert not refusals


@pytest.mark.parametrize("text", ["five", "", " ", "1,5", "1 5", "0x10", "1e", "--5", "5$", "٣"])
def test_text_in_a_column_of_floats_is_refused(text: str) -> None:
    column, refusals = coerce_one(["1.5", None, text], "FLOAT")
    assert column.to_pylist() == [1.5, None, None]
    assert refusals == [Refusal(2, "c", text, "is not a number")]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("3.0", 3),
        ("1e3", 1000),
        (" +7 ", 7),
        ("-0", 0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_whole_numbers_are_integers(text: str, number: int) -> None:
    column, refusals = coerce_one([text, None], "INT")
    assert column.equals(pa.array([number, None], pa.int64()))
    assert not refusals


@pytest.mark.parametrize("text", ["1.5", "nan", "inf", "9223372036854775808", "1e300", "x", ""])
def test_what_is_no_whole_number_is_refused_in_a_column_of_integers(text: str) -> None:
    column, refusals = coerce_one([text, "4"], "INT")
    assert column.to_pylist() == [None, 4]
    assert refusals == [Refusal(0, "c", text, "is not a whole number")]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(VALUES, max_size=6), st.sampled_from(list(TYPES)))
def test_any_text_is_taken_or_refused(values: list[str | None], kind: str) -> None:
    column, refusals = coerce_one(values, kind)
    assert column.type == TYPES[kind]
    refused = {refusal.row: refusal.value for refusal in refusals}
    assert refused == {row: values[row] for row in refused}
    expected = [value is None or row in refused for row, value in enumerate(values)]
    assert column.is_null().to_pylist() == expected


@settings(derandomize=True, deadline=None, max_examples=300)
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


@pytest.mark.parametrize("kind", [None, "INT"])
def test_a_nested_column_is_taken_or_refused_by_name(kind: str | None) -> None:
    values = pa.array([["a"], None], pa.list_(pa.string()))
    try:
        column, _ = coerce_one(values, kind)
        assert len(column) == 2
    except EvergreenError as refusal:
        assert "column c" in str(refusal)  # noqa: PT017 - taking it is right too
