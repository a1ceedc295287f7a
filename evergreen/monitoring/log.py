"""Reads the gateway's log of predictions in batches, one window at a time."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from evergreen.files import file_digest
from evergreen.monitoring.left_out import LeftOut
from evergreen.monitoring.results import Window
from evergreen.serving.gateway.prediction_log.files import SCHEMA

KEYS = ("request_id", "row", "time", "model", "version", "arm")
"""Columns that identify and select rows: every log has them."""
BATCH_ROWS = 32_768
"""Enough rows for columns to be fast, few enough for a batch to take some 50 MB."""
BATCH_BYTES = 64 * 2**20
"""The size limit of a batch, for long texts."""
DAY = re.compile(r"date=[0-9]{4}-[0-9]{2}-[0-9]{2}")
SHADOW = "shadow"
"""The arm of copies: the log has their requests already."""


class Log:
    """The predictions of a model.

    Foreign or truncated files are left out.

    Args:
        folder: The root of the log.
        model: The model's name.

    Attributes:
        left_out: The files that could not be read, and why.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self._folder = folder
        self._model = model
        self._digests: dict[Path, str] = {}
        self.left_out = LeftOut("predictions")

    def read(
        self, window: Window, columns: Sequence[str], version: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yields logged rows without shadow traffic, in bounded memory.

        Args:
            window: The period of the answers.
            columns: The columns to read.
            version: The version that answered; None for all.

        Yields:
            Batches of about 32,768 rows, in order of the files.
        """
        condition = _condition(self._model, window)
        if version is not None:
            condition &= ds.field("version") == version
        needed = list(dict.fromkeys([*columns, *KEYS]))
        found = (
            batch
            for file in self.files(window)
            for table in self._tables(file, window, needed)
            for batch in table.filter(condition).select(columns).to_batches()
        )
        yield from _gathered(found)

    def count(self, window: Window) -> int:
        """Returns the number of all versions' predictions in a window, without shadow traffic."""
        return sum(map(len, self.read(window, ["row"])))

    def files(self, window: Window) -> list[Path]:
        """Returns the files that may have rows of a window: none is older than its content."""
        first = (window.start - timedelta(days=1)).date()
        days = [day for day in self._visible(self._folder) if self._is_day(day, first)]
        found = [file for day in sorted(days) for file in self._visible(day)]
        return self._once([file for file in found if self._is_parquet(file)])

    def _visible(self, folder: Path) -> list[Path]:
        """Returns the content of a folder, without unfinished files."""
        try:
            found = list(folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            self.left_out.add(folder, f"cannot be read: {error.strerror}")
            return []
        return sorted(file for file in found if not file.name.startswith((".", "_")))

    def _is_day(self, day: Path, first: date) -> bool:
        if not DAY.fullmatch(day.name) or not day.is_dir():
            self.left_out.add(day, "is no folder of a day, such as date=2026-01-31")
            return False
        return day.name >= f"date={first}"

    def _is_parquet(self, file: Path) -> bool:
        fits = file.suffix == ".parquet" and file.is_file()
        if not fits and os.path.lexists(file):
            self.left_out.add(file, "is no Parquet file")
        return fits

    def _once(self, files: Sequence[Path]) -> list[Path]:
        """Removes copies of other files."""
        sizes = [file.stat().st_size if os.access(file, os.R_OK) else 0 for file in files]
        alike = Counter(sizes)
        first: dict[str, Path] = {}
        found = []
        for file, size in zip(files, sizes, strict=True):
            if alike[size] > 1 and size:
                digest = self._digests.get(file) or file_digest(file)
                self._digests[file] = digest
                if (earlier := first.setdefault(digest, file)) is not file:
                    self.left_out.add(file, f"is a copy of {earlier.name}")
                    continue
            found.append(file)
        return found

    def _tables(self, file: Path, window: Window, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Reads a file on demand, as far as it can be read.

        Not by a scanner: pyarrow 18.1's reads ahead of a slow consumer without limit.
        """
        rows = 0
        try:
            with pq.ParquetFile(file) as parquet:
                _check_names(parquet)
                count = parquet.num_row_groups
                groups = [at for at in range(count) if _may_hold(parquet, at, window)]
                # pyarrow 18.1 refuses to read zero groups.
                for batch in parquet.iter_batches(BATCH_ROWS, groups, columns) if groups else ():
                    yield _typed(batch, columns)
                    rows += len(batch)
        except FileNotFoundError:
            pass  # removed meanwhile
        except (pa.ArrowException, OSError, ValueError) as error:
            beyond = f" beyond its first {rows:,} rows" if rows else ""
            self.left_out.add(file, f"cannot be read{beyond}: {error}")


def _check_names(parquet: pq.ParquetFile) -> None:
    names = parquet.schema_arrow.names
    if wrong := [name for name in SCHEMA.names if names.count(name) != 1]:
        raise ValueError(f"it is no log of predictions, it has not one {', '.join(wrong)}")


def _may_hold(parquet: pq.ParquetFile, group: int, window: Window) -> bool:
    """Returns whether a row group may have rows of a window, by its smallest and largest time."""
    place = parquet.schema.names.index("time")
    bounds = parquet.metadata.row_group(group).column(place).statistics
    try:
        if bounds is None or not bounds.has_min_max:
            return True
        return bool(bounds.min < window.end and bounds.max >= window.start)
    except (TypeError, ValueError, OverflowError):  # no time, or beyond Python's calendar
        return True


def _typed(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.Table:
    wanted = pa.schema([SCHEMA.field(name).with_nullable(True) for name in columns])
    table = pa.Table.from_batches([batch]).select(columns).cast(wanted)
    table.validate(full=True)  # a text may not be UTF-8
    for name in KEYS:
        if table[name].null_count and not SCHEMA.field(name).nullable:
            raise ValueError(f"a row has no {name}")
    return table


def _condition(model: str, window: Window) -> ds.Expression:
    return (
        (ds.field("model") == model)
        & (ds.field("arm") != SHADOW)
        & (ds.field("time") >= _moment(window.start))
        & (ds.field("time") < _moment(window.end))
    )


def _moment(when: datetime) -> pa.Scalar:
    return pa.scalar(when, SCHEMA.field("time").type)


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Joins small batches, such as those of one-minute files."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
        if rows >= BATCH_ROWS or size >= BATCH_BYTES:
            yield _joined(held)
            held, rows, size = [], 0, 0
    if rows:
        yield _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    [batch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return batch
