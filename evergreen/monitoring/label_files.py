"""Reads files of labels in various formats; names and skips what cannot be read.

The formats are Parquet, and text with a header, separated by comma, semicolon, tab or bar,
optionally compressed. Bad rows are skipped; if there are many, the whole file is, since the good
ones may then be biased: for example, if only one of the two labels is misspelt.
"""

import csv
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evergreen.monitoring.label_values import Parse
from evergreen.monitoring.left_out import LeftOut
from evergreen.quality.columns import Read, moments, texts, wholes, without
from evergreen.texts import many

REQUIRED = ("request_id", "row", "label")
TIME = "time"
"""The column with the time at which a label became known; by default the time of the file."""
ROW = np.dtype([("key", np.uint64), ("time", np.float64), ("label", np.float32)])
"""A label: the key of its prediction, when it became known (seconds since 1970), and its number."""
MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads small numbers
MOST_BAD = 0.01
"""The share of a file's rows that may be bad, besides one."""
PARQUET = {".parquet", ".parq", ".pq"}
TEXT = {".csv", ".tsv", ".txt"}
PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
DELIMITERS = ",;\t|"
MOST_RAGGED = 50_000
"""Rows with too few or too many fields after which a file is given up: each takes its time."""
HEAD = 1 << 16
"""The longest header, in bytes."""
NEGATIVE, EMPTY = "is less than 0", "is empty"
Rows = NDArray[np.void]


@dataclass
class Bad:
    """The bad rows of a file.

    Attributes:
        count: The number of bad rows.
        rows: The number of all rows.
        first: The position of the first bad row, from 0; -1 if it is ragged.
        why: The fault of the first bad row.
    """

    count: int = 0
    rows: int = 0
    first: int = -1
    why: str = ""

    def add(self, place: int, why: str, count: int = 1) -> None:
        """Adds bad rows; the first one is reported."""
        if not self.count:
            self.first, self.why = place, why
        self.count += count

    @property
    def are_many(self) -> bool:
        """Returns whether there are so many that the whole file is rejected."""
        return self.count > max(1, MOST_BAD * self.rows)


@dataclass
class File:
    """A file: `batches` yields its columns, `place` describes the position of a row."""

    path: Path
    bad: Bad = field(default_factory=Bad)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yields the columns of Parquet."""
        with pq.ParquetFile(self.path) as parquet:
            columns = _wanted(parquet.schema_arrow.names)
            yield from parquet.iter_batches(columns=columns)

    def place(self, at: int) -> str:
        """Returns the position of a row, in words."""
        return f"row {at + 1:,}"


@dataclass
class Text(File):
    """A text file."""

    packed: str | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yields the columns, as strings."""
        delimiter, names = self._header()
        columns = _wanted(names)
        unique = [name if name in columns else f"{at} {name}" for at, name in enumerate(names)]
        with pa.input_stream(str(self.path), compression=self.packed) as stream:
            reader = pc_csv.open_csv(
                stream,
                pc_csv.ReadOptions(use_threads=False, column_names=unique, skip_rows=1),
                pc_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=self._ragged
                ),
                pc_csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), include_columns=columns
                ),
            )
            yield from reader

    def place(self, at: int) -> str:
        """Returns the position of a row, in words; a ragged row has no position."""
        delimiter, names = self._header()
        with self._opened() as stream:
            reader = csv.reader(stream, delimiter=delimiter)
            wanted = (row for row in reader if row and (len(row) == len(names)) == (at >= 0))
            with suppress(csv.Error):  # Arrow reads it differently
                next(reader)
                for _ in islice(wanted, max(at, 0), None):
                    return f"line {reader.line_num:,}"
        return super().place(at)

    def _header(self) -> tuple[str, list[str]]:
        with self._opened() as stream:
            line = stream.readline(HEAD)
        if not line:
            raise ValueError("it is empty")
        if "\0" in line:
            raise ValueError("it is no text in UTF-8")
        found = [(delimiter, _cells(line, delimiter)) for delimiter in DELIMITERS]
        return max(found, key=lambda pair: len(set(REQUIRED).intersection(pair[1])))

    def _opened(self) -> TextIO:
        stream = pa.input_stream(str(self.path), compression=self.packed)
        # Columns that are not read may have another encoding.
        return TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")

    def _ragged(self, row: pc_csv.InvalidRow) -> str:
        expected, actual = row.expected_columns, row.actual_columns
        self.bad.add(-1, f"it has {actual} fields, and the header {expected}")
        self.bad.rows += 1
        return "skip" if self.bad.count < MOST_RAGGED else "error"


def labels_in(folder: Path, after: datetime, left_out: LeftOut, parse: Parse) -> Iterator[Rows]:
    """Yields the labels of each file below a folder.

    Args:
        folder: Read at any depth; names that begin with a point or underscore are unfinished.
        after: Files written before this time hold no wanted labels.
        left_out: Collects what cannot be read.
        parse: Parses the labels.
    """
    for path in _files(folder, left_out):
        try:
            if not path.is_file() and os.path.lexists(path):
                raise ValueError("it is no file")
            written = path.stat().st_mtime
            if written < after.timestamp():
                continue
            file = _file(path)
            rows = [_rows(batch, file.bad, written, parse) for batch in file.batches()]
            if file.bad.count:
                left_out.add(path, _left_out(file))
            if not file.bad.are_many:
                yield from rows
        except FileNotFoundError:
            pass  # removed meanwhile
        except (pa.ArrowException, OSError, ValueError, EOFError, csv.Error) as error:
            left_out.add(path, f"cannot be read as labels: {error}")


def keys(request_ids: pa.Array, rows: pa.Array) -> NDArray[np.uint64]:
    """Returns a 64-bit hash of each request and row."""
    hashes = pd.util.hash_array(request_ids.to_numpy(zero_copy_only=False), categorize=False)
    places = rows.to_numpy(zero_copy_only=False).astype(np.uint64) + np.uint64(1)
    return np.asarray(hashes ^ (places * MIX), np.uint64)


def _files(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    if folder.is_file():
        yield folder

    def name(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            left_out.add(Path(error.filename), f"cannot be read: {error.strerror}")

    for parent, folders, names in os.walk(folder, onerror=name):
        found = [Path(parent, name) for name in sorted([*folders, *names])]
        visible = [path for path in found if not path.name.startswith((".", "_"))]
        # Links to folders are not followed, but named.
        folders[:] = [path.name for path in visible if path.is_dir() and not path.is_symlink()]
        yield from (path for path in visible if path.name not in folders)


def _file(path: Path) -> File:
    endings = [ending.lower() for ending in path.suffixes]
    packed = PACKED.get(endings.pop()) if endings and endings[-1] in PACKED else None
    ending = endings[-1] if endings else ""
    if ending in PARQUET and not packed:
        return File(path)
    if ending in TEXT:
        return Text(path, packed=packed)
    raise ValueError(f"its name ends with none of {', '.join(sorted(PARQUET | TEXT))}")


def _left_out(file: File) -> str:
    bad = file.bad
    first = f"{file.place(bad.first)}: {bad.why}"
    if bad.are_many:
        return f"{first}; {bad.count:,} of {bad.rows:,} rows are bad, so none is taken"
    others = many(bad.count - 1, "other row")
    return f"{first}; and {others}" if bad.count > 1 else first


def _wanted(names: list[str]) -> list[str]:
    if missing := sorted(set(REQUIRED).difference(names)):
        raise ValueError(f"it lacks the columns {', '.join(missing)}")
    wanted = [name for name in (*REQUIRED, TIME) if name in names]
    if twice := [name for name in wanted if names.count(name) > 1]:
        raise ValueError(f"it has the column {twice[0]} twice")
    return wanted


def _cells(line: str, delimiter: str) -> list[str]:
    [cells] = csv.reader([line.rstrip("\r\n")], delimiter=delimiter)
    return [cell.strip() for cell in cells]


def _rows(batch: pa.RecordBatch, bad: Bad, written: float, parse: Parse) -> Rows:
    """Returns the good rows of a batch; rows without a label are not known yet."""
    batch.validate(full=True)  # a text may not be UTF-8
    columns = {name: _present(batch[name]) for name in batch.schema.names}
    label = _distinct(columns["label"], parse)
    place = wholes(columns["row"])
    ids = texts(columns["request_id"]).column.cast(pa.string())
    time = moments(columns[TIME]) if TIME in columns else Read(pa.nulls(len(batch)), {})
    wrong = [
        ("request_id", dict.fromkeys(_where(ids.is_null()), EMPTY)),
        ("row", dict.fromkeys(_where(columns["row"].is_null()), EMPTY)),
        ("row", dict.fromkeys(_where(pc.less(place.column, 0)), NEGATIVE)),
        ("row", place.refused),
        (TIME, time.refused),
    ]
    good = label.column.is_valid().to_numpy(zero_copy_only=False)
    told = {at: (name, why) for name, found in wrong for at, why in found.items() if good[at]}
    told |= {at: ("label", why) for at, why in label.refused.items()}
    good[list(told)] = False
    if told:
        first = min(told)
        name, why = told[first]
        value = columns[name][first].as_py()
        shown = name if value is None else f"{name} {value!r}"
        bad.add(bad.rows + first, f"{shown} {why}", len(told))
    bad.rows += len(batch)
    kept = [column.filter(pa.array(good)) for column in (ids, place.column, label.column)]
    rows = np.empty(len(kept[0]), ROW)
    rows["key"], rows["label"] = keys(*kept[:2]), kept[2].to_numpy(zero_copy_only=False)
    times = time.column.filter(pa.array(good)).cast(pa.int64()).to_numpy(zero_copy_only=False)
    rows["time"] = np.where(np.isnan(times.astype(np.float64)), written, times / 1e6)
    return rows


def _present(column: pa.Array) -> pa.Array:
    """Strips white space from a column, and replaces empty values by null."""
    column = without(column, ())
    if pa.types.is_string(column.type):
        column = pc.utf8_trim_whitespace(column)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return without(column, ("",))


def _distinct(column: pa.Array, parse: Parse) -> Read:
    """Parses each distinct value once."""
    encoded = column.dictionary_encode()
    found = parse(encoded.dictionary)
    places = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
    rows = np.flatnonzero(np.isin(places, list(found.refused))).tolist()
    refused = {row: found.refused[int(places[row])] for row in rows}
    return Read(found.column.take(encoded.indices), refused)


def _where(mask: pa.Array) -> list[int]:
    rows: list[int] = np.flatnonzero(mask.fill_null(False).to_numpy(zero_copy_only=False)).tolist()
    return rows
