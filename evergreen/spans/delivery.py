"""Reads deliveries from upstream: one file, or a folder of parts.

A folder has the form that Spark writes: any number of data files, in folders `key=value` that are
columns too; names that begin with `_` or `.` (`_SUCCESS`, `.part-0.crc`) are not data.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.errors import DataError
from evergreen.spans.manifest import Format
from evergreen.spans.tables import check_rows, read_csv_text, read_parquet

ENDINGS = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".parq": Format.PARQUET,
    ".pq": Format.PARQUET,
}
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
UNFINISHED = "_temporary"
DECIMAL_COMMA = r"^\s*[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?\s*$"
HINT = "Deliver .csv, .tsv (also .gz) or .parquet, or a folder of such files."


@dataclass(frozen=True)
class Dialect:
    """The notation of fields and numbers in CSV.

    Attributes:
        delimiter: The separator of fields; by default a comma, or a tab in `.tsv`.
        decimal: The decimal sign, a point or a comma.
        numbers: The columns that hold numbers, for a decimal comma.
    """

    delimiter: str | None = None
    decimal: str = "."
    numbers: Collection[str] = ()


def read_delivery(source: Path, dialect: Dialect = Dialect()) -> tuple[pa.Table, Format]:
    """Reads a file or folder as one table: CSV as unchanged text, Parquet with its types.

    Raises:
        DataError: If it is missing, of an unknown kind, empty, or no table; names file and row.
    """
    files = _files(source) if source.is_dir() else [source]
    formats = {file: _format(file) for file in files}
    if len(set(formats.values())) > 1:
        first, other = (next(file for file in files if formats[file] is fmt) for fmt in Format)
        raise DataError(
            f"{source} holds files of two kinds: {first.name} and {other.name}",
            hint="Land each kind by itself.",
        )
    fmt = formats[files[0]]
    if source.is_file() or len(files) == 1:
        return _with_partitions(source, files[0], _read(files[0], fmt, dialect)), fmt
    tables = [_with_partitions(source, file, _read(file, fmt, dialect, False)) for file in files]
    return check_rows(source, _together(source, files, tables)), fmt


def _format(file: Path) -> Format:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    ending = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else file.suffix.lower()
    if ending not in ENDINGS:
        raise DataError(f"{file} has an unknown extension {file.suffix!r}", hint=HINT)
    return ENDINGS[ending]


def _files(folder: Path) -> list[Path]:
    if (folder / UNFINISHED).exists():
        raise DataError(
            f"{folder} holds {UNFINISHED}: its writer has not finished, or has died",
            hint="Land it when it is complete, with _SUCCESS in it.",
        )
    inside = (file for file in folder.rglob("*") if file.is_file())
    files = sorted(
        file
        for file in inside
        if not any(part.startswith(("_", ".")) for part in file.relative_to(folder).parts)
    )
    if not files:
        raise DataError(f"{folder} holds no data files", hint=HINT)
    return files


def _read(file: Path, fmt: Format, dialect: Dialect, alone: bool = True) -> pa.Table:
    if fmt is Format.PARQUET:
        if dialect.delimiter or dialect.decimal != ".":
            raise DataError(
                f"{file} is Parquet, which has no delimiter and no decimal sign",
                hint="Leave --delimiter and --decimal out.",
            )
        return read_parquet(file, alone)
    tabs = ".tsv" in (suffix.lower() for suffix in file.suffixes[-2:])
    table = read_csv_text(file, dialect.delimiter or ("\t" if tabs else ","), alone)
    return table if dialect.decimal == "." else _with_points(file, table, dialect.numbers)


def _with_points(file: Path, table: pa.Table, numbers: Collection[str]) -> pa.Table:
    """Replaces the decimal commas in columns of numbers by points; refuses points in them."""
    for at, name in enumerate(table.column_names):
        if name not in numbers:
            continue
        column = table[name]
        row = pc.index(pc.match_substring(column, "."), True).as_py()
        if row >= 0:
            raise DataError(
                f"{file}, row {row + 2}, column {name}: {column[row].as_py()!r} has a point, where "
                "the decimal sign is a comma",
                hint="Deliver numbers without a separator of thousands, or without --decimal.",
            )
        comma = pc.match_substring_regex(column, DECIMAL_COMMA)
        points = pc.if_else(comma, pc.replace_substring(column, ",", "."), column)
        table = table.set_column(at, name, points)
    return table


def _with_partitions(source: Path, file: Path, table: pa.Table) -> pa.Table:
    """Adds the columns given by the folders `key=value` between a folder and its file."""
    if file == source:
        return table
    for name, value in _partitions(file.relative_to(source).parts[:-1]):
        if name in table.column_names:
            raise DataError(
                f"{file} has a column {name!r}, and is in a folder for it",
                hint="Keep one of them.",
            )
        cell = pa.scalar(None if value == NULL_PARTITION else value, pa.string())
        table = table.append_column(name, pa.repeat(cell, table.num_rows))
    return table


def _partitions(folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        name, sign, value = folder.partition("=")
        if sign:
            yield unquote(name), unquote(value)


def _together(source: Path, files: list[Path], tables: list[pa.Table]) -> pa.Table:
    first = tables[0]
    for file, table in zip(files, tables, strict=True):
        if table.schema.names != first.schema.names or not table.schema.equals(first.schema):
            raise DataError(
                f"{file} has other columns or types than {files[0].name}: "
                f"{_difference(first.schema, table.schema)}",
                hint=f"Have the parts of {source} written alike, or land them one by one.",
            )
    return pa.concat_tables(tables)


def _difference(first: pa.Schema, other: pa.Schema) -> str:
    expected, found = (
        {field.name: str(field.type) for field in schema} for schema in (first, other)
    )
    differing = [name for name in [*expected, *found] if expected.get(name) != found.get(name)]
    if not differing:
        return "another order"
    name = differing[0]
    return f"{name!r} is {found.get(name, 'not there')}, not {expected.get(name, 'there')}"
