"""Cuts a table into spans by calendar period."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from evergreen.errors import DataError
from evergreen.spans.keys import add_row_keys
from evergreen.spans.layout import Span, list_versions
from evergreen.spans.manifest import Format, Interval
from evergreen.spans.periods import Period
from evergreen.spans.publish import publish_version


@dataclass(frozen=True)
class _Slice:
    number: int
    period: Interval | None
    rows: pa.Table


def cut_table(
    table: pa.Table,
    root: Path,
    period: Period,
    file_format: Format = Format.PARQUET,
    *,
    key: str,
    timestamp: str | None,
    zone: str = "UTC",
) -> list[Span]:
    """Publishes one span for each calendar period that has rows.

    Spans are numbered from 1, the earliest period with a row. A period without rows keeps its
    number, so that numbers still tell the time, and gets no span. Row keys are made over the whole
    table before it is cut, so they do not depend on the period. Rows are sorted by timestamp, then
    key, so files do not depend on the order of the table.

    Cutting the same table again changes nothing; a corrected table gives new versions of the spans
    whose rows differ.

    Args:
        table: The rows.
        root: Folder of the spans, created if absent.
        period: The length of a span.
        file_format: The format of the files.
        key: The column with the row's key; it is made if the table does not have it.
        timestamp: The column with the time of a row, in seconds since 1970 (UTC), without missing
            values. None for a table without times, which becomes span 1.
        zone: The time zone in which periods begin.

    Returns:
        The spans, by number.

    Raises:
        DataError: If the root holds spans of other periods. Nothing is written then.
    """
    if key not in table.column_names:
        table = add_row_keys(table, key)
    slices = _slices(table, period, key, timestamp, zone)
    _check_root(root, slices)
    return [
        publish_version(
            root,
            part.number,
            part.rows,
            file_format,
            timestamp_column=timestamp,
            period=part.period,
        )
        for part in slices
    ]


def _slices(
    table: pa.Table, period: Period, key: str, timestamp: str | None, zone: str
) -> list[_Slice]:
    if timestamp is None:
        return [_Slice(1, None, table.sort_by(key))]
    table = table.sort_by([(timestamp, "ascending"), (key, "ascending")])
    ordinals, starts = np.unique(period.ordinals(table[timestamp], zone), return_index=True)
    ends = [*starts[1:], table.num_rows]
    return [
        _Slice(
            number=int(ordinal - ordinals[0]) + 1,
            period=period.interval(int(ordinal), zone),
            rows=table.slice(start, end - start),
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
