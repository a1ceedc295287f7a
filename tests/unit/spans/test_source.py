"""Rows are read from files, folders and databases; times become whole seconds."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.errors import DataError
from evergreen.spans.source import read_rows, seconds

NEW_YEAR = 1_357_034_400


@pytest.fixture
def database(tmp_path: Path) -> str:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as connection:
        connection.execute('CREATE TABLE "my orders" (id, price, "at")')
        connection.execute("CREATE TABLE other (x)")
        rows = [
            (1, 2.5, "2013-01-01T10:00:00Z"),
            (2, None, "2013-01-01T10:00:01Z"),
            ("x", 1.0, None),
        ]
        connection.executemany('INSERT INTO "my orders" VALUES (?, ?, ?)', rows)
    connection.close()
    return f"sqlite:///{file}"


@pytest.mark.parametrize(
    "value",
    [
        datetime(2013, 1, 1, 10, microsecond=999_999, tzinfo=UTC),
        "2013-01-01T10:00:00Z",
        "2013-01-01 11:00:00.9+01:00",
        NEW_YEAR,
        str(NEW_YEAR),
    ],
)
def test_times_of_any_type_are_whole_seconds(value: object) -> None:
    assert seconds(pa.array([value, None, value]), "").to_pylist() == [NEW_YEAR, None, NEW_YEAR]


def test_dates_before_1970_round_down() -> None:
    assert seconds(pa.array([date(1969, 12, 31)]), "").to_pylist() == [-86_400]
    before = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    assert seconds(pa.array([before]), "").to_pylist() == [-1]


def test_what_is_no_time_is_refused_by_value(tmp_path: Path) -> None:
    pq.write_table(pa.table({"at": ["2013-01-01", "soon", "-"]}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"rows\.parquet, column at: 'soon'"):
        read_rows(tmp_path / "rows.parquet", moments=["at"], missing=["-"])


def test_a_table_of_a_database_is_read_with_its_types(database: str) -> None:
    found = read_rows(f"{database}?table=my%20orders", moments=["at"], without_columns=["none"])
    assert found.column_names == ["id", "price", "at"]
    assert found["id"].to_pylist() == ["1", "2", "x"]  # SQLite mixed the types
    assert found["price"].to_pylist() == [2.5, None, 1.0]
    assert found["at"].to_pylist() == [NEW_YEAR, NEW_YEAR + 1, None]
    asked = read_rows(database, query='SELECT price FROM "my orders" WHERE id = 1')
    assert asked.to_pylist() == [{"price": 2.5}]


@pytest.mark.parametrize(
    ("end", "query", "problem"),
    [
        ("", None, "2 tables: my orders, other"),
        ("?table=nothing", None, "no table 'nothing'"),
        ("?table=other", None, "no rows"),
        ("", "SELECT nonsense", "no such column"),
        ("", "DROP TABLE other", "readonly"),
        ("", 'SELECT id, id FROM "my orders"', "more than one column 'id'"),
    ],
)
def test_a_database_is_only_read_and_problems_are_told(
    database: str, end: str, query: str | None, problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        read_rows(f"{database}{end}", query=query)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("oracle://host/db", "oracle is not read"),
        ("mysql://me:secret@host/db", "holds a password"),
        ("sqlite:////no/such/file.db", "does not exist"),
    ],
)
def test_other_databases_and_passwords_are_refused(source: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as refused:
        read_rows(source)
    assert "secret" not in str(refused.value)


def test_a_file_takes_no_query(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="takes no query"):
        read_rows(tmp_path / "rows.csv", query="SELECT 1")
