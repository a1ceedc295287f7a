"""The replayed data: spans in order, with their true labels."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evergreen.errors import DataError
from evergreen.serving.trial.contract import check_labels
from evergreen.settings import Settings, load_function
from evergreen.spans import Format, Period, Span, list_spans


@dataclass(frozen=True)
class Piece:
    """One span of the stream.

    Attributes:
        number: The span's number.
        path: Its folder.
        rows: The raw rows that have a label.
        labels: 0 or 1, [n].
        ids: The ids of the rows' requests, [n].
        end: The end of its time range.
    """

    number: int
    path: Path
    rows: pa.Table
    labels: NDArray[np.float64]
    ids: list[str]
    end: datetime


def cut(settings: Settings, folder: Path, period: Period, last: int) -> list[Piece]:
    """Cuts the project's data into spans, and reads them.

    Args:
        settings: The project's settings.
        folder: The folder for the spans.
        period: The length of a span.
        last: The last span to play; 0 for all.

    Raises:
        DataError: If there are too few spans, or a span has no label or no time.
        ContractError: If a label is not 0, 1 or unknown.
    """
    source = load_function("data.source", settings.data.source)
    # Always as Parquet, so that the replayed rows keep their types.
    source(None, folder / period.value, period, Format.PARQUET)
    label = load_function("replay.label", settings.replay.label)
    spans = list_spans(folder / period.value)
    spans = [span for span in spans if not last or span.number <= last]
    if len(spans) <= settings.replay.first:
        raise DataError(
            f"{len(spans)} spans: the first model alone takes {settings.replay.first}.",
            hint="Play more spans, or set replay.first.",
        )
    return [_piece(span, label, settings.data.key) for span in spans]


def _piece(span: Span, label: Callable[[pa.Table], NDArray[np.float64]], key: str) -> Piece:
    table = pa.concat_tables(pq.read_table(file) for file in span.files)
    labels = np.asarray(label(table), np.float64)
    check_labels(labels, where=f"{span.path}, by replay.label")
    known = labels >= 0
    rows = table.filter(pa.array(known))
    times = span.manifest.period or span.manifest.time_range
    if times is None or not len(rows):
        lacks = "time" if times is None else "row with a label"
        raise DataError(
            f"{span.path}: has no {lacks}, so that it cannot be played.",
            hint="Play spans that data.source cuts by period, with labels by replay.label.",
        )
    ids = [str(value) for value in rows.column(key).to_pylist()]
    return Piece(span.number, span.path, rows, labels[known], ids, times.end)
