"""A row keeps its key, whatever file it comes in and wherever it stands there."""

import hashlib
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.errors import DataError
from evergreen.spans import add_row_keys
from evergreen.spans.tables import read_csv_text

SCHEMA = pa.schema([("name", pa.string()), ("count", pa.int64()), ("fare", pa.float64())])

ROWS = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
    max_size=12,
)


def table(rows: list[tuple]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA
    )


def keys(rows: pa.Table) -> list[str]:
    return add_row_keys(rows, "key")["key"].to_pylist()


def key(**row: object) -> str:
    return keys(pa.table({name: [value] for name, value in row.items()}))[0]


@given(ROWS)
def test_keys_are_distinct_and_do_not_depend_on_the_order_of_rows(rows: list[tuple]) -> None:
    shuffled = random.Random(0).sample(rows, len(rows))
    assert len(set(keys(table(rows)))) == len(rows)
    assert set(keys(table(rows))) == set(keys(table(shuffled)))


@given(ROWS)
def test_keys_do_not_depend_on_the_order_of_columns_or_the_chunks(rows: list[tuple]) -> None:
    whole = table(rows)
    assert keys(whole.select(["fare", "name", "count"])) == keys(whole)
    assert keys(pa.concat_tables([whole.slice(0, 1), whole.slice(1)])) == keys(whole)


@settings(deadline=None)
@given(ROWS)
def test_keys_are_the_same_from_csv_and_parquet(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]
) -> None:
    folder: Path = tmp_path_factory.mktemp("files")
    pacsv.write_csv(table(rows), folder / "rows.csv")
    pq.write_table(table(rows), folder / "rows.parquet")
    from_csv = keys(read_csv_text(folder / "rows.csv"))
    assert from_csv == keys(pq.read_table(folder / "rows.parquet")) == keys(table(rows))


def test_the_canonical_form_never_changes() -> None:
    """Another key would move rows to other splits: do not update these, find the mistake."""
    row = b"7:company,11:Blue Ribbon,4:fare,5:12.45,"
    expected = [hashlib.sha256(data).hexdigest()[:32] for data in (row, row + b"#1", row + b"#2")]
    assert expected[0] == "ae1b924eda4833f743cb7c6dc9520d1e"
    same = {"fare": [12.45] * 3, "company": ["Blue Ribbon"] * 3, "tips": [None] * 3}
    assert keys(pa.table(same)) == expected


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0", "3e0", "0.3E1", pa.scalar(3, pa.int8())])
def test_ways_to_write_a_number_are_one(value: object) -> None:
    assert key(x=value) == key(x=3)


def test_single_precision_is_the_decimal_it_was_written_as() -> None:
    assert keys(pa.table({"x": pa.array([12.45], pa.float32())})) == [key(x="12.45")]


@pytest.mark.parametrize(
    ("row", "other"),
    [
        ({"a": "", "b": "x"}, {"a": None, "b": "x"}),
        ({"a": "x", "b": None}, {"a": None, "b": "x"}),
        ({"a": "007"}, {"a": "7"}),
        ({"a": "x "}, {"a": "x"}),
        ({"a": "1:b,", "b": "c"}, {"a": "1", "b": ":b,c"}),
        ({"a": 2**53}, {"a": 2**53 + 1}),
    ],
)
def test_different_rows_have_different_keys(row: dict, other: dict) -> None:
    assert key(**row) != key(**other)


def test_an_added_column_without_values_changes_no_key() -> None:
    assert key(a="x", b=None) == key(a="x")


def test_bytes_and_nested_values_have_keys_that_do_not_depend_on_neighbours() -> None:
    mixed = keys(pa.table({"a": [b"text", b"\xff"], "b": [[1, 2], [3]]}))
    alone = keys(pa.table({"a": [b"text"], "b": [[1, 2]]}))
    assert mixed[0] == alone[0] != mixed[1]


def test_an_existing_key_column_is_not_replaced() -> None:
    with pytest.raises(DataError, match="already has a column 'key'"):
        add_row_keys(pa.table({"key": ["k"]}), "key")
