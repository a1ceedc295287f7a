"""The sample is found and read strictly: one bad cell refuses the file and is named."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from data.taxi.source import SOURCE_SCHEMA, read_source, sample_path
from evergreen.errors import DataError

Row = dict[str, str]
Edit = Callable[[list[Row]], object]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Edit], Path]:
    """Writes the first rows of the sample after an edit."""

    def write(edit: Edit) -> Path:
        with sample_path().open(newline="") as stream:
            rows = [row for row, _ in zip(csv.DictReader(stream), range(20), strict=False)]
        edit(rows)
        with (tmp_path / "trips.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path / "trips.csv"

    return write


def rename(rows: list[Row], old: str, new: str) -> None:
    for row in rows:
        row[new] = row.pop(old)


def test_the_sample_is_read_whole_with_its_types() -> None:
    trips = read_source(sample_path())
    assert trips.num_rows == 15_002
    assert trips.schema == SOURCE_SCHEMA
    assert trips["fare"][0].as_py() == 12.45
    assert trips["pickup_community_area"].null_count == 2
    assert trips["pickup_census_tract"].null_count == 15_001
    assert trips["dropoff_census_tract"].drop_null()[0].as_py() > 17_031_000_000
    assert set(trips["payment_type"].to_pylist()) >= {"Cash", "Credit Card"}


def test_finding_and_reading_imports_neither_tfx_nor_tensorflow() -> None:
    code = (
        "import sys; from data.taxi.source import read_source, sample_path\n"
        "read_source(sample_path())\n"
        "assert not {'tfx', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_columns_may_come_in_any_order_and_whole_numbers_with_a_point(
    write: Callable[[Edit], Path],
) -> None:
    def edit(rows: list[Row]) -> None:
        rename(rows, "fare", "fare")
        for row in rows:
            row["trip_start_hour"] += ".0"

    trips = read_source(write(edit))
    assert trips.schema == SOURCE_SCHEMA
    assert trips.equals(read_source(sample_path()).slice(0, 20))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("fare", "abc", "'abc' where double belongs"),
        ("fare", "nan", "'nan' where double belongs"),
        ("tips", "1,5", "'1,5' where double belongs"),
        ("trip_start_hour", "3.5", "'3.5' where int64 belongs"),
        ("trip_start_month", "May", "'May' where int64 belongs"),
        ("dropoff_community_area", "9" * 30, "where int64 belongs"),
        ("trip_start_timestamp", "", "empty where seconds since 1970-01-01 UTC belongs"),
        ("trip_start_timestamp", "-1", "-1 where seconds"),
        ("trip_start_timestamp", "1357000200000", "1357000200000 where seconds"),
    ],
)
def test_a_bad_cell_is_named_by_file_row_and_column(
    write: Callable[[Edit], Path], column: str, value: str, expected: str
) -> None:
    path = write(lambda rows: rows[5].update({column: value}))
    with pytest.raises(DataError) as refusal:
        read_source(path)
    assert f"{path}, row 7, column {column}: " in str(refusal.value)
    assert expected in str(refusal.value)
    assert refusal.value.hint


def test_missing_and_unknown_columns_are_named(write: Callable[[Edit], Path]) -> None:
    path = write(lambda rows: rename(rows, "fare", "Fare"))
    with pytest.raises(DataError, match="columns missing fare; unknown 'Fare'") as refusal:
        read_source(path)
    assert f"{path}, row 1" in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (",".join(SOURCE_SCHEMA.names).encode(), "has a header and no rows"),
        (b"fare\n\xe9\n", r"byte 5 \(line 2\) is not UTF-8"),
        (b"fare,tips\n1\n", "row 2: 1 fields where the header has 2"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "trips.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=problem) as refusal:
        read_source(path)
    assert str(path) in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_source(tmp_path / "trips.csv")


def test_types_are_those_that_examples_can_hold() -> None:
    assert set(SOURCE_SCHEMA.types) == {pa.int64(), pa.float64(), pa.string()}
