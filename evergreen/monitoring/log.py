"""Reads the gateway's log of predictions, a time window at a time, in batches."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from evergreen.monitoring.findings import Window
from evergreen.serving.gateway.prediction_log.files import SCHEMA

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
    scanner = _dataset(folder, window).scanner(
        columns=list(columns),
        filter=condition,
        batch_size=BATCH_ROWS,
        batch_readahead=1,
        fragment_readahead=1,
    )
    yield from _gathered(scanner.to_batches())


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
