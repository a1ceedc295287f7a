"""Reads files that others wrote, unchanged or not at all; writes files, always the same bytes."""

import csv
import io
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from evergreen.errors import DataError
from evergreen.spans.manifest import Format

MAX_ROW_BYTES = 64 << 20
"""Longest row of a CSV file, in bytes: the size of the blocks that Arrow reads."""
_ROW_GROUP_ROWS = 65_536


def read_csv_text(path: Path) -> pa.Table:
    """Reads a CSV file as text.

    UTF-8 with or without a byte-order mark, comma-separated, quoted with `"`, fields may hold line
    breaks, blank lines are skipped. An empty field is null, a quoted empty field an empty string.

    Returns:
        Table of string columns; every value is the field's text, with its white space.

    Raises:
        DataError: The file is not such a table; names the row, counting the header as row 1 (which
            is the line number where no field holds a line break and no line is blank).
    """
    data = _read_bytes(path)
    _check_utf8(path, data)
    _check_quotes(path, data)
    if not data.endswith((b"\n", b"\r")):
        data += b"\n"  # Arrow 18 finds no columns in a header without a line end.
    try:
        table, ragged = _parse_csv(data)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a CSV table: {error}", hint=_RESEND) from error
    if ragged:
        raise _ragged_rows(path, ragged)
    return _checked(path, table)


def read_parquet(path: Path) -> pa.Table:
    """Reads a Parquet file with the types it declares.

    Raises:
        DataError: The file is missing, damaged, has no rows, or text that is not UTF-8.
    """
    data = _read_bytes(path)
    try:
        table = pq.read_table(pa.BufferReader(data)).replace_schema_metadata(None)
        table.validate(full=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a Parquet table: {error}", hint=_RESEND) from error
    return _checked(path, table)


def write_table(table: pa.Table, path: Path, fmt: Format) -> None:
    """Writes a table; equal tables give equal bytes under one version of pyarrow."""
    table = table.replace_schema_metadata(None).combine_chunks()
    if fmt is Format.CSV:
        pacsv.write_csv(table, path)
    else:
        pq.write_table(
            table,
            path,
            version="2.6",
            compression="snappy",
            use_dictionary=True,
            data_page_version="1.0",
            row_group_size=_ROW_GROUP_ROWS,
        )


_RESEND = "Have the file written again by its source."


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file", hint="Check the path.")
    data = path.read_bytes()
    if not data:
        raise DataError(f"{path} is empty", hint=_RESEND)
    return data


def _check_utf8(path: Path, data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}: byte {error.start} (line {line}) is not UTF-8: {data[error.start]:#04x}",
            hint="Convert the file to UTF-8.",
        ) from error


def _check_quotes(path: Path, data: bytes) -> None:
    """Refuses a quote that is never closed: Arrow would read on to the end of the file."""
    if data.count(b'"') % 2 == 0:
        return
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    row = 1
    try:
        for fields in reader:
            row += bool(fields)
    except csv.Error as error:
        raise DataError(f"{path}, row {row}: bad quoting ({error})", hint=_RESEND) from error


def _parse_csv(data: bytes) -> tuple[pa.Table, list[pacsv.InvalidRow]]:
    """Returns the rows that have as many fields as the header, and those that do not."""
    ragged: list[pacsv.InvalidRow] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    parse = pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside)
    read = pacsv.ReadOptions(use_threads=False, block_size=MAX_ROW_BYTES)
    with pacsv.open_csv(pa.BufferReader(data), read, parse) as header:
        names = header.schema.names
    ragged.clear()
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return pacsv.read_csv(pa.BufferReader(data), read, parse, convert), ragged


def _ragged_rows(path: Path, rows: list[pacsv.InvalidRow]) -> DataError:
    first = rows[0]
    more = f", and {len(rows) - 1} more such rows" if len(rows) > 1 else ""
    return DataError(
        f"{path}, row {first.number}: {first.actual_columns} fields where the header has "
        f"{first.expected_columns}{more}",
        hint="Look for a missing or an unquoted comma in that row.",
    )


def _checked(path: Path, table: pa.Table) -> pa.Table:
    if not table.num_rows:
        raise DataError(f"{path} has a header and no rows", hint=_RESEND)
    repeated = [name for name, count in Counter(table.column_names).items() if count > 1]
    if repeated:
        raise DataError(f"{path} has more than one column named {repeated[0]!r}", hint=_RESEND)
    return table
