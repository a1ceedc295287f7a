"""Rows from files, and predictions to files."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from evergreen.errors import DataError
from evergreen.serving.client.columns import from_rows
from evergreen.serving.client.tensors import Tensors
from evergreen.spans.manifest import Format
from evergreen.spans.tables import read_csv_text, read_parquet, write_table

WRITES = {".csv": Format.CSV, ".parquet": Format.PARQUET}
JSON = (".json", ".jsonl")
GUESSES = (pa.int64(), pa.float64())
SNIFFED = 64


def read(path: Path, typed: Collection[str] = ()) -> pa.Table:
    """Reads rows from a file that is Parquet, JSON or CSV by its content, not by its name.

    Args:
        path: JSON is an object a line, or one list of objects.
        typed: Columns whose types a model knows: their text in a CSV file stays text. Others are
            numbers if all of their values are.

    Raises:
        DataError: If the file holds no rows; names the line of what cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file", hint="Check the path.")
    with path.open("rb") as stream:
        start = stream.read(SNIFFED).lstrip()
    if start.startswith(b"PAR1"):
        return read_parquet(path)
    if start.startswith((b"{", b"[")):
        return _read_json(path)
    return _guess(read_csv_text(path), typed)


def with_outputs(rows: pa.Table, outputs: Tensors) -> pa.Table:
    """Returns rows with a column an output; `predicted.<name>` where the rows have the name."""
    for name, array in outputs.items():
        column = f"predicted.{name}" if name in rows.column_names else name
        rows = rows.append_column(column, pa.array(_text(array.tolist())))
    return rows


def write(rows: pa.Table, path: Path) -> None:
    """Writes rows as the file's name says: `.parquet`, `.csv`, `.json` or `.jsonl` (by line).

    Raises:
        DataError: If the name says something else, or the format cannot hold the rows.
    """
    check_writable(path)
    if path.suffix in JSON:
        lines = (orjson.dumps(row, default=str) + b"\n" for row in rows.to_pylist())
        path.write_bytes(b"".join(lines))
        return
    try:
        write_table(rows, path, WRITES[path.suffix])
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: {error}", hint="Write a .parquet or .jsonl file.") from error


def check_writable(path: Path) -> None:
    """Refuses a file of a format that is not written. Raises DataError."""
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
    try:
        return pa.table({name: pa.array(values) for name, values in columns.items()})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"{path}: a column has values of different types: {error}", hint="Use one type."
        ) from error


def _parse(data: bytes, where: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{where}: is not JSON: {error}", hint="Write an object a line.") from error


def _guess(table: pa.Table, typed: Collection[str]) -> pa.Table:
    columns = {
        name: table[name] if name in typed else _guess_column(table[name])
        for name in table.column_names
    }
    return pa.table(columns)


def _guess_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    for guess in GUESSES:
        try:
            return column.cast(guess)
        except pa.ArrowInvalid:
            continue
    return column


def _text(value: Any) -> Any:
    """Returns bytes as text where they are text, in nested lists too."""
    if isinstance(value, list):
        return [_text(one) for one in value]
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value
