"""Reads the gateway's log of predictions, a time window at a time, in batches."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from evergreen.monitoring.findings import Window
from evergreen.serving.gateway.prediction_log.files import SCHEMA

CONDITIONS = ("time", "model", "version", "arm")
BATCH_ROWS = 32_768
"""Large enough for columns to pay, small enough that a batch takes some 50 MB."""
SHADOW = "shadow"

"""The arm of copies: their requests are in the log already."""


def read(
    folder: Path, model: str, window: Window, columns: Sequence[str], version: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Yields what was logged, without shadow traffic; memory does not grow with the rows.

    Args:
        folder: The root of the log.
        model: The model's name.
        window: Of the time of the answers.
        columns: Those to read.
        version: The version that answered; None for all.

    Yields:
        Batches of about 32,768 rows, in the order of the files.
    """
    condition = _condition(model, window)
    if version is not None:
        condition &= ds.field("version") == version
    found = (
        batch for file in files(folder, window) for batch in _read(file, window, columns, condition)
    )
    yield from _gathered(found)


def count(folder: Path, model: str, window: Window) -> int:
    """Returns how many predictions all versions have made in a window, without shadow traffic."""
    return int(_dataset(folder, window).count_rows(filter=_condition(model, window)))


def files(folder: Path, window: Window) -> list[Path]:
    """The files that may have rows of a window: none is written before what it holds."""
    first = (window.start - timedelta(days=1)).date()
    return sorted(
        file
        for day in folder.glob("date=*")
        if date.fromisoformat(day.name.removeprefix("date=")) >= first
        for file in day.glob("*.parquet")
        if not file.name.startswith(".")  # not finished
    )


def _read(
    file: Path, window: Window, columns: Sequence[str], condition: ds.Expression
) -> Iterator[pa.RecordBatch]:
    """Reads a file as fast as it is asked for.

    Not by a scanner: that of pyarrow 18.1 reads ahead of a slow consumer without a bound.
    """
    parquet = pq.ParquetFile(file)
    groups = [at for at in range(parquet.num_row_groups) if _may_hold(parquet, at, window)]
    needed = list(dict.fromkeys([*columns, *CONDITIONS]))
    # pyarrow 18.1 refuses to read none.
    for batch in parquet.iter_batches(BATCH_ROWS, groups, needed) if groups else ():
        yield from pa.Table.from_batches([batch]).filter(condition).select(columns).to_batches()


def _may_hold(parquet: pq.ParquetFile, group: int, window: Window) -> bool:
    """Whether a row group may have rows of a window, by its smallest and largest time."""
    place = parquet.schema_arrow.get_field_index("time")
    bounds = parquet.metadata.row_group(group).column(place).statistics
    if bounds is None or not bounds.has_min_max:
        return True
    return bool(bounds.min < window.end and bounds.max >= window.start)


def _dataset(folder: Path, window: Window) -> ds.Dataset:
    return ds.dataset([str(file) for file in files(folder, window)], SCHEMA, format="parquet")


def _condition(model: str, window: Window) -> ds.Expression:
    return (
        (ds.field("model") == model)
        & (ds.field("arm") != SHADOW)
        & (ds.field("time") >= _moment(window.start))
        & (ds.field("time") < _moment(window.end))
    )


def _moment(when: object) -> pa.Scalar:
    return pa.scalar(when, SCHEMA.field("time").type)


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Puts small batches, as of files of a minute each, together."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= BATCH_ROWS:
            yield _one(held)
            held = []
    if any(map(len, held)):
        yield _one(held)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    [batch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return batch
