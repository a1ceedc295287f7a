"""Reads the taxi sample strictly: a cell that does not fit its column refuses the file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from data.taxi import TIMESTAMP_COLUMN
from evergreen.errors import DataError
from evergreen.spans import packaged_file
from evergreen.spans.tables import read_csv_text

_SAMPLE = "examples/chicago_taxi_pipeline/data/simple/data.csv"
_END_OF_TIME = 253_402_300_800  # the year 10000 in seconds; later moments are milliseconds

SOURCE_SCHEMA = pa.schema(
    [
        ("pickup_community_area", pa.int64()),
        ("fare", pa.float64()),  # US dollars
        ("trip_start_month", pa.int64()),  # 1 to 12
        ("trip_start_hour", pa.int64()),  # 0 to 23
        ("trip_start_day", pa.int64()),  # 1 (Sunday) to 7
        (TIMESTAMP_COLUMN, pa.int64()),  # seconds since 1970-01-01 UTC
        ("pickup_latitude", pa.float64()),
        ("pickup_longitude", pa.float64()),
        ("dropoff_latitude", pa.float64()),
        ("dropoff_longitude", pa.float64()),
        ("trip_miles", pa.float64()),
        ("pickup_census_tract", pa.int64()),
        ("dropoff_census_tract", pa.int64()),
        ("payment_type", pa.string()),
        ("company", pa.string()),
        ("trip_seconds", pa.float64()),
        ("dropoff_community_area", pa.int64()),
        ("tips", pa.float64()),  # US dollars
    ]
)


def sample_path() -> Path:
    """Finds the sample inside the installed TFX package, without importing it.

    Raises:
        DataError: If TFX is not installed, or does not have the sample.
    """
    return packaged_file("tfx", _SAMPLE)


def read_source(path: Path) -> pa.Table:
    """Reads a CSV file of taxi trips.

    Columns may come in any order. An empty field is null. Whole numbers may be written `3.0`.

    Returns:
        A table with the columns and types of `SOURCE_SCHEMA`, rows in file order. Every row has a
        timestamp of the years 1970 to 9999.

    Raises:
        DataError: If the file is not a CSV table, columns are missing or unknown, or a cell does
            not fit its column; names file, row and column. The header is row 1.
    """
    text = read_csv_text(path)
    _check_columns(path, text.column_names)
    columns = [_typed(path, field, text[field.name]) for field in SOURCE_SCHEMA]
    table = pa.table(columns, schema=SOURCE_SCHEMA)
    _check_timestamps(path, table[TIMESTAMP_COLUMN])
    return table


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [name for name in SOURCE_SCHEMA.names if name not in names]
    unknown = [name for name in names if name not in SOURCE_SCHEMA.names]
    problems = [f"missing {', '.join(missing)}"] * bool(missing)
    problems += [f"unknown {', '.join(map(repr, unknown))}"] * bool(unknown)
    if problems:
        raise DataError(
            f"{path}, row 1 (the header): columns {'; '.join(problems)}",
            hint="Rename or remove columns so that the header has the 18 columns of a taxi trip.",
        )


def _typed(path: Path, field: pa.Field, text: pa.ChunkedArray) -> pa.ChunkedArray:
    if field.type == pa.string():
        return text
    try:
        return _convert(text, field.type)
    except pa.ArrowInvalid:
        row = next(i for i, value in enumerate(text) if not _fits(value, field.type))
        raise _bad_cell(path, row, field, text[row].as_py()) from None


def _convert(text: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Casts text to numbers; raises ArrowInvalid for a value that is not a finite number."""
    try:
        numbers = text.cast(kind)
    except pa.ArrowInvalid:
        if kind == pa.float64():
            raise
        numbers = text.cast(pa.float64()).cast(kind)  # 3.0 is a whole number, 3.5 is not
    if pc.all(pc.is_finite(numbers)).as_py() is False:
        raise pa.ArrowInvalid("not finite")
    return numbers


def _fits(value: pa.StringScalar, kind: pa.DataType) -> bool:
    try:
        _convert(pa.chunked_array([[value.as_py()]], pa.string()), kind)
    except pa.ArrowInvalid:
        return False
    return True


def _check_timestamps(path: Path, seconds: pa.ChunkedArray) -> None:
    inside = pc.and_(pc.greater_equal(seconds, 0), pc.less(seconds, _END_OF_TIME))
    row = pc.index(pc.fill_null(inside, False), False).as_py()
    if row >= 0:
        field = SOURCE_SCHEMA.field(TIMESTAMP_COLUMN)
        raise _bad_cell(path, row, field, seconds[row].as_py())


def _bad_cell(path: Path, row: int, field: pa.Field, value: object) -> DataError:
    kind = "seconds since 1970-01-01 UTC" if field.name == TIMESTAMP_COLUMN else str(field.type)
    found = "empty" if value is None else repr(value)
    return DataError(
        f"{path}, row {row + 2}, column {field.name}: {found} where {kind} belongs",
        hint="Correct the row. To judge a file by the data gate instead, land it as a span.",
    )
