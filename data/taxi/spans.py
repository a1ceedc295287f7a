"""Cuts the taxi sample into spans by calendar period."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from data.taxi import KEY_COLUMN, TIMESTAMP_COLUMN
from data.taxi.source import read_source, sample_path
from evergreen.errors import DataError
from evergreen.spans import (
    Format,
    Interval,
    Period,
    Span,
    add_row_keys,
    list_versions,
    publish_version,
)


@dataclass(frozen=True)
class _Slice:
    number: int
    period: Interval
    rows: pa.Table


def cut(
    source: Path | None,
    root: Path,
    period: Period,
    file_format: Format = Format.PARQUET,
) -> list[Span]:
    """Publishes one span for each calendar period (UTC) that has trips.

    Spans are numbered from 1, the earliest period with a trip. A period without trips keeps its
    number, so that numbers still tell the time, and gets no span. Row keys are made over the whole
    source before it is cut, so they do not depend on the period. Rows are sorted by timestamp, then
    key, so files do not depend on the order of the source.

    Cutting the same source again changes nothing; a corrected source gives new versions of the
    spans whose rows differ.

    Args:
        source: CSV file of trips; None for the sample that ships with TFX.
        root: Folder of the spans, created if absent.
        period: The length of a span.
        file_format: The format of the files.

    Returns:
        The spans, by number.

    Raises:
        DataError: If the source is malformed, or the root holds spans of other periods. Nothing is
            written then.
    """
    slices = _slices(add_row_keys(read_source(source or sample_path()), KEY_COLUMN), period)
    _check_root(root, slices)
    return [
        publish_version(
            root,
            part.number,
            part.rows,
            file_format,
            timestamp_column=TIMESTAMP_COLUMN,
            period=part.period,
        )
        for part in slices
    ]


def _slices(trips: pa.Table, period: Period) -> list[_Slice]:
    trips = trips.sort_by([(TIMESTAMP_COLUMN, "ascending"), (KEY_COLUMN, "ascending")])
    ordinals, starts = np.unique(period.ordinals(trips[TIMESTAMP_COLUMN]), return_index=True)
    ends = [*starts[1:], trips.num_rows]
    return [
        _Slice(
            number=int(ordinal - ordinals[0]) + 1,
            period=period.interval(int(ordinal)),
            rows=trips.slice(start, end - start),
        )
        for ordinal, start, end in zip(ordinals, starts, ends, strict=True)
    ]


def _check_root(root: Path, slices: list[_Slice]) -> None:
    """Refuses to mix quarters with years, or numbers that count from different first periods."""
    periods = {part.number: part.period for part in slices}
    for span in list_versions(root):
        held, wanted = span.manifest.period, periods.get(span.number)
        if held and wanted and held != wanted:
            raise DataError(
                f"{span.path} stands for {held.start:%Y-%m} up to {held.end:%Y-%m}, span "
                f"{span.number} of this cut for {wanted.start:%Y-%m} up to {wanted.end:%Y-%m}",
                hint="Cut into another root, or by the same period and from the same first one.",
            )
