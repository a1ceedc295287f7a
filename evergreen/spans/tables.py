"""Reads foreign files without changing values; writes files reproducibly, byte for byte."""

import csv
import gzip
import io
import zlib
from collections import Counter
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from evergreen.errors import DataError
from evergreen.spans.manifest import Format

MAX_ROW_BYTES = 64 << 20
"""The longest row of a CSV file, in bytes: the size of the blocks that Arrow reads."""
_ROW_GROUP_ROWS = 65_536


def read_csv_text(path: Path, delimiter: str = ",", rows: bool = True) -> pa.Table:
    """Reads a CSV file as text.

    The file is UTF-8 with or without a byte-order mark. Fields are quoted with `"` and may hold
    line breaks; blank lines are skipped. An empty field is null, a quoted empty field an empty
    string. Gzip is decompressed.

    Args:
        path: The file.
        delimiter: The separator of fields, one character.
        rows: Whether to refuse a file without rows.

    Returns:
        Table of string columns; every value is the field's text, with its white space.

    Raises:
        DataError: The file is not such a table; names the row, counting the header as row 1 (which
            is the line number where no field holds a line break and no line is blank).
    """
    data = _read_bytes(path)
    _check_text(path, data)
    _check_quotes(path, data, delimiter)
    if not data.endswith((b"\n", b"\r")):
        data += b"\n"  # Arrow 18 finds no columns in a header without a line end
    try:
        table, ragged = _parse_csv(path, data, delimiter)
    except (pa.ArrowInvalid, pa.ArrowCapacityError) as error:
        raise DataError(f"{path} is not a CSV table: {error}", hint=_RESEND) from error
    if ragged:
        raise _ragged_rows(path, ragged)
    return _checked(path, table, rows)


def read_parquet(path: Path, rows: bool = True) -> pa.Table:
    """Reads a Parquet file with the types it declares.

    Args:
        path: The file.
        rows: Whether to refuse a file without rows.

    Raises:
        DataError: The file is missing, damaged, has no rows, or text that is not UTF-8.
    """
    data = _read_bytes(path)
    try:
        with pq.ParquetFile(_stream(data)) as parquet:
            table = parquet.read().replace_schema_metadata(None)
        table.validate(full=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a Parquet table: {error}", hint=_RESEND) from error
    return _checked(path, table, rows)


def check_rows(path: Path, table: pa.Table) -> pa.Table:
    """Returns a table if it has rows. Raises DataError otherwise."""
    if not table.num_rows:
        raise DataError(f"{path} has a header and no rows", hint=_RESEND)
    return table


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
_AS_UTF8 = "Convert the file to UTF-8."
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a zip archive (as .xlsx is)",
    b"\x28\xb5\x2f\xfd": "compressed with zstandard",
    b"BZh": "compressed with bzip2",
}
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file", hint="Check the path.")
    data = path.read_bytes()
    if not data:
        raise DataError(f"{path} is empty", hint=_RESEND)
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged gzip: {error}", hint=_RESEND) from error


def _stream(data: bytes) -> pa.BufferReader:
    """Returns a stream over a copy of some bytes that Arrow owns.

    Issue: a reader's thread may be the last to release its buffer. If Python owns the buffer, the
    thread asks for Python's lock; if the process is ending just then, as after a refused file, the
    thread is ended inside C++, which aborts the process (pyarrow 18: "terminate called without an
    active exception", exit code 134).
    """
    own = pa.allocate_buffer(len(data))
    memoryview(own).cast("B")[:] = data
    return pa.BufferReader(own)


def _check_text(path: Path, data: bytes) -> None:
    """Refuses what is not UTF-8 text; names the line, and the actual format if it is recognized."""
    for start, name in _OTHERS.items():
        if data.startswith(start):
            raise DataError(f"{path} is {name}, not CSV in UTF-8", hint=_AS_UTF8)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}: byte {error.start} (line {line}) is not UTF-8: {data[error.start]:#04x}",
            hint=_AS_UTF8,
        ) from error


def _check_quotes(path: Path, data: bytes, delimiter: str) -> None:
    """Refuses quotes that are not closed, or that close before a field ends: Arrow reads on.

    Another separator also has that effect, so it is reported first.
    """
    row, limit = 1, csv.field_size_limit(MAX_ROW_BYTES)
    try:
        header = next(filter(None, csv.reader(_lines(data), delimiter=delimiter)), [""])
        _check_separator(path, header, delimiter)
        if b'"' in data:
            for fields in csv.reader(_lines(data), strict=True, delimiter=delimiter):
                row += bool(fields)
    except csv.Error as error:
        raise DataError(f"{path}, row {row}: bad quoting ({error})", hint=_RESEND) from error
    finally:
        csv.field_size_limit(limit)  # it is the whole process's


def _lines(data: bytes) -> TextIO:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")


def _check_separator(path: Path, names: list[str], delimiter: str) -> None:
    """Refuses a header of one column whose name contains another usual separator."""
    found = next((sign for sign in _DELIMITERS if len(names) == 1 and sign in names[0]), None)
    if found and found != delimiter:
        raise DataError(
            f"{path}, row 1: the header is one column, {names[0][:60]!r}: the file seems to be "
            f"separated by {_DELIMITERS[found]}, not by {_DELIMITERS.get(delimiter, delimiter)}",
            hint="Write it with commas, as `.csv`; `evergreen data land` takes it with --delimiter "
            f"{'tab' if found == chr(9) else repr(found)}.",
        )


def _parse_csv(path: Path, data: bytes, delimiter: str) -> tuple[pa.Table, list[pacsv.InvalidRow]]:
    """Returns the rows that have as many fields as the header, and those that do not."""
    ragged: list[pacsv.InvalidRow] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    parse = pacsv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside
    )
    read = pacsv.ReadOptions(use_threads=False, block_size=MAX_ROW_BYTES)
    with pacsv.open_csv(_stream(data), read, parse) as header:
        names = header.schema.names
    _check_header(path, names)
    ragged.clear()
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return pacsv.read_csv(_stream(data), read, parse, convert), ragged


def _check_header(path: Path, names: list[str]) -> None:
    """Refuses zero bytes in names, and two byte-order marks."""
    if any("\0" in name for name in names):
        raise DataError(f"{path}, row 1: the header has zero bytes, as UTF-16 has", hint=_AS_UTF8)
    if names[0].startswith("\ufeff"):
        raise DataError(f"{path}, row 1: begins with two byte-order marks", hint=_RESEND)


def _ragged_rows(path: Path, rows: list[pacsv.InvalidRow]) -> DataError:
    first = rows[0]
    more = f", and {len(rows) - 1} more such rows" if len(rows) > 1 else ""
    return DataError(
        f"{path}, row {first.number}: {first.actual_columns} fields where the header has "
        f"{first.expected_columns}{more}",
        hint="Look for a missing or an unquoted comma in that row.",
    )


def _checked(path: Path, table: pa.Table, rows: bool) -> pa.Table:
    if rows:
        check_rows(path, table)
    repeated = [name for name, count in Counter(table.column_names).items() if count > 1]
    if repeated:
        raise DataError(f"{path} has more than one column named {repeated[0]!r}", hint=_RESEND)
    return table
