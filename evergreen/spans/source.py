"""Reads the rows of a use case from where they are: files, a folder of parts, or a database."""

import os
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.errors import DataError
from evergreen.quality.columns import moments as as_moments
from evergreen.quality.columns import without
from evergreen.spans.delivery import read_delivery

SECRET = "_".join(("EVERGREEN", "SOURCE", "PASSWORD"))
"""The environment variable with the password of a database."""
SHOWN = 10
SCHEMES = ("sqlite", "mysql")
HINT = (
    "Name a file, a folder of parts, sqlite:///FILE?table=NAME, or mysql://USER@HOST/DATABASE"
    f"?table=NAME (with the password in {SECRET})."
)
ADVICE = "Name a table: ?table=NAME; or say what to read: --query 'SELECT ...'."
MICROSECONDS = 1_000_000
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name",
    "mysql": "SHOW TABLES",
}
QUOTES = {"sqlite": '"', "mysql": "`"}


def read_rows(
    source: str | Path,
    *,
    query: str | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
    moments: Collection[str] = (),
    missing: Collection[str] = (),
    without_columns: Collection[str] = (),
) -> pa.Table:
    """Reads a table.

    Args:
        source: A CSV or Parquet file, a folder of such parts, or the URL of a SQLite or MySQL
            database.
        query: The SELECT statement for a database; None for its table.
        names: New names of columns by old ones.
        moments: Columns of times, which become whole seconds since 1970 (UTC), rounded down.
        missing: Texts that stand for a missing time.
        without_columns: Columns to leave out.

    Returns:
        The rows: CSV as text, Parquet and databases with their types.

    Raises:
        DataError: If it cannot be read, or a time is none; names the place.
    """
    if is_database(source):
        table = _read_database(str(source), query)
    elif query:
        raise DataError(f"{source} is no database, and takes no query.", hint="Leave --query out.")
    else:
        table, _ = read_delivery(Path(source))
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    table = table.drop_columns([name for name in without_columns if name in table.column_names])
    for name in moments:
        place = table.column_names.index(name) if name in table.column_names else -1
        if place < 0:
            raise DataError(f"{source} has no column {name!r}.", hint="Deliver it, or edit cut.")
        column = without(table[name].combine_chunks(), missing)
        table = table.set_column(place, name, seconds(column, f"{source}, column {name}"))
    return table


def is_database(source: str | Path) -> bool:
    """Returns whether a source is the URL of a database."""
    return isinstance(source, str) and "://" in source


def seconds(column: pa.Array, where: str) -> pa.Array:
    """Converts moments to whole seconds since 1970 (UTC), rounded down: int64, null if missing.

    Args:
        column: Moments of any type: timestamps, dates, ISO-8601, or seconds since 1970.
        where: The place, for the error.

    Raises:
        DataError: If a value is no moment; names it.
    """
    if pa.types.is_string(column.type):  # each distinct value once
        encoded = column.dictionary_encode()
        distinct = encoded.dictionary
        if len(distinct) < len(column):
            return seconds(distinct, where).take(encoded.indices)
    found, refused = as_moments(column)
    if refused:
        row, reason = next(iter(refused.items()))
        value = str(column[row])[:60]
        raise DataError(f"{where}: {value!r} {reason}.", hint="Correct it, or edit `cut`.")
    ticks = found.cast(pa.int64())
    whole = np.floor_divide(pc.fill_null(ticks, 0).to_numpy(), MICROSECONDS)
    return pa.array(whole, mask=ticks.is_null().to_numpy(zero_copy_only=False))


def _read_database(url: str, query: str | None) -> pa.Table:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise DataError(f"{_shown(url)}: {parts.scheme} is not read.", hint=HINT)
    if parts.password:
        raise DataError("the URL holds a password, which would be written down.", hint=HINT)
    connect: Callable[[SplitResult], Any] = _sqlite if parts.scheme == "sqlite" else _mysql
    try:
        with closing(connect(parts)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query or _select(parts, cursor))
            fields = cursor.description or ()
            return _table(url, [name for name, *_ in fields], cursor.fetchall())
    except DataError:
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in {"sqlite3", "pymysql", "builtins"}:
            raise
        raise DataError(f"{_shown(url)}: {error}", hint=HINT) from error


def _select(parts: SplitResult, cursor: Any) -> str:
    """Returns the statement that reads the table of the URL, or the only one of the database."""
    named = parse_qs(parts.query).get("table", [])
    cursor.execute(TABLES[parts.scheme])
    known = [row[0] for row in cursor.fetchall()]
    if not named and len(known) != 1:
        raise DataError(f"the database has {len(known)} tables: {_some(known)}.", hint=ADVICE)
    table = named[0] if named else known[0]
    if table not in known:
        raise DataError(f"the database has no table {table[:60]!r}: {_some(known)}.", hint=ADVICE)
    quote = QUOTES[parts.scheme]
    return " FROM ".join(("SELECT *", f"{quote}{table.replace(quote, quote * 2)}{quote}"))


def _sqlite(parts: SplitResult) -> Any:
    file = Path(unquote(parts.path)[1:])  # as in SQLAlchemy: four slashes before an absolute path
    if not file.is_file():
        raise DataError(f"{file} does not exist or is not a file.", hint=HINT)
    return sqlite3.connect(f"file:{file.resolve()}?mode=ro", uri=True)


def _mysql(parts: SplitResult) -> Any:
    import pymysql

    return pymysql.connect(
        host=parts.hostname or "localhost",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=os.environ.get(SECRET, ""),
        database=unquote(parts.path.lstrip("/")),
    )


def _table(url: str, names: list[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    if not rows:
        raise DataError(f"{_shown(url)} has no rows.", hint=ADVICE)
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(f"{_shown(url)} has more than one column {repeated[0]!r}.", hint=ADVICE)
    return pa.table([_array(values) for values in zip(*rows, strict=True)], names=names)


def _array(values: Sequence[Any]) -> pa.Array:
    """Returns an array; SQLite may mix types in a column, which then is text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")


def _shown(url: str) -> str:
    return url[:200]
