"""Reads rows from files and writes predictions to files; unused columns are kept literally."""

import json
import math
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.errors import DataError
from evergreen.quality.columns import READERS, without
from evergreen.quality.inference import kind_of
from evergreen.serving.client.columns import from_rows
from evergreen.serving.client.tensors import Tensors
from evergreen.spans.manifest import Format
from evergreen.spans.tables import read_csv_text, read_parquet, write_table

WRITES = (".csv", ".parquet")
JSON = (".json", ".jsonl")
SNIFFED = 64
BIG = (pa.decimal128(38, 0), pa.decimal256(76, 0))
"""Types for whole numbers beyond 64 bits."""
SPECIAL = r"[,\"\r\n]|^$"
"""CSV fields to quote; an empty field without quotes is a missing value."""


def read(path: Path) -> pa.Table:
    """Reads rows from a file that is Parquet, JSON or CSV by its content, not by its name.

    Args:
        path: JSON has one object per line, or one list of objects. All columns of CSV are text.

    Raises:
        DataError: If the file holds no rows; names the line that cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file", hint="Check the path.")
    with path.open("rb") as stream:
        start = stream.read(SNIFFED).lstrip()
    if start.startswith(b"PAR1"):
        return read_parquet(path)
    if start.startswith((b"{", b"[")):
        return _read_json(path)
    tabs = ".tsv" in (suffix.lower() for suffix in path.suffixes[-2:])
    return read_csv_text(path, "\t" if tabs else ",")


def to_ask(rows: pa.Table, typed: Collection[str], missing: Collection[str]) -> pa.Table:
    """Converts rows for sending.

    Args:
        rows: The rows as they were read.
        typed: The columns that the model is known to take, for which text is parsed later. If it
            is empty, columns of text become numbers where every value is one.
        missing: Texts that stand for a missing value.
    """
    for at, name in enumerate(rows.column_names):
        column = without(rows[name].combine_chunks(), missing)
        if not typed and pa.types.is_string(column.type):
            column = READERS[kind_of(column)](column).column
        rows = rows.set_column(at, name, column)
    return rows


def with_outputs(rows: pa.Table, outputs: Tensors) -> pa.Table:
    """Returns rows with one column per output, named `predicted.<name>` if the name is taken."""
    for name, array in outputs.items():
        column = f"predicted.{name}" if name in rows.column_names else name
        rows = rows.append_column(column, pa.array(_text(array.tolist())))
    return rows


def write(rows: pa.Table, path: Path) -> None:
    """Writes rows in the format of the suffix: `.parquet`, `.csv`, `.json` or `.jsonl` (by line).

    Raises:
        DataError: If the suffix is another, or the format cannot hold the rows.
    """
    check_writable(path)
    try:
        if path.suffix in JSON:
            lines = (json.dumps(_finite(row), default=_plain) + "\n" for row in rows.to_pylist())
            path.write_text("".join(lines))
        elif path.suffix == ".csv":
            path.write_text(_csv(rows), newline="")
        else:
            write_table(rows, path, Format.PARQUET)
    except (ValueError, OverflowError, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{path}: {error}", hint="Write a .parquet file.") from error


def check_writable(path: Path) -> None:
    """Refuses a file whose format cannot be written. Raises DataError."""
    known = [*WRITES, *JSON]
    if path.suffix not in known:
        raise DataError(
            f"{path}: predictions are not written as {path.suffix or 'a file without suffix'}.",
            hint=f"Name a file that ends with {', '.join(known)}.",
        )
    if not path.parent.is_dir():
        raise DataError(f"{path.parent} is not a folder.", hint="Make it, or name another one.")


def _read_json(path: Path) -> pa.Table:
    data = path.read_bytes()
    if data.lstrip().startswith(b"["):
        rows = _parse(data, str(path))
    else:
        lines = enumerate(data.splitlines(), start=1)
        rows = [_parse(line, f"{path}, line {at}") for at, line in lines if line.strip()]
    wrong = next((at for at, row in enumerate(rows, start=1) if not isinstance(row, dict)), None)
    if wrong:
        raise DataError(f"{path}, row {wrong}: is not an object.", hint="Write column and value.")
    columns = from_rows(rows)
    if not columns:
        raise DataError(f"{path}: its objects are empty.", hint="Write column and value.")
    return pa.table({name: _array(path, name, cells) for name, cells in columns.items()})


def _array(path: Path, name: str, cells: list[Any]) -> pa.Array:
    for type_ in (None, *BIG):
        try:
            return pa.array(cells, type_)
        except OverflowError:
            continue
        except (ValueError, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"{path}: column {name} has values of different types: {error}",
                hint="Use one type in a column, and text in UTF-8.",
            ) from error
    raise DataError(f"{path}: column {name} has numbers of more than 76 digits.", hint="Send text.")


def _parse(data: bytes, where: str) -> Any:
    try:
        return json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: is not JSON: {error}", hint="Write an object a line.") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _finite(value: Any) -> Any:
    """Replaces numbers that JSON does not have by null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _csv(rows: pa.Table) -> str:
    """Writes rows as CSV, with quotes only where they are needed."""
    names = pa.chunked_array([rows.column_names], pa.string())
    header = ",".join(_fields(names).to_pylist())
    fields = [_fields(rows[name].cast(pa.string())) for name in rows.column_names]
    lines = pc.binary_join_element_wise(*fields, ",").to_pylist()
    return "\n".join([header, *lines, ""])


def _fields(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    doubled = pc.replace_substring(texts, '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.fill_null(pc.if_else(pc.match_substring_regex(texts, SPECIAL), quoted, texts), "")


def _text(value: Any) -> Any:
    """Decodes bytes that are text, also in nested lists."""
    if isinstance(value, list):
        return [_text(item) for item in value]
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value
