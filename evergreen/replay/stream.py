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
from evergreen.quality.columns import coerce
from evergreen.quality.schema import column_kinds, load_curated
from evergreen.serving.trial.contract import check_labels, known
from evergreen.settings import Settings, load_function
from evergreen.spans import Format, Period, Span, list_spans
from evergreen.texts import many

Label = Callable[[pa.Table], NDArray[np.float64]]


@dataclass(frozen=True)
class Piece:
    """One span of the stream.

    Attributes:
        number: The span's number.
        path: Its folder.
        rows: The raw rows to send; all have a label.
        labels: 0 or 1, the index of the class, or the value, [n].
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
        ContractError: If a label does not fit the task.
    """
    source = load_function("data.source", settings.data.source)
    # Always as Parquet, so that the replayed rows keep their types.
    source(None, folder / period.value, period, Format.PARQUET)
    label = load_function("replay.label", settings.replay.label)
    spans = list_spans(folder / period.value)
    spans = [span for span in spans if not last or span.number <= last]
    first = settings.replay.first_of(len(spans))
    if len(spans) <= first:
        raise DataError(
            f"{many(len(spans), 'span')}: the first model alone takes {first}.",
            hint="Play more spans, shorter ones (--period month), or set replay.first; a table "
            "without times is one span, which has no past to play.",
        )
    return [_piece(settings, span, label) for span in spans]


def _typed(settings: Settings, table: pa.Table) -> pa.Table:
    """Returns rows in the types of the schema, as ingestion reads them; null where they misfit."""
    kinds = column_kinds(load_curated(settings.data.table_schema))
    batches = table.combine_chunks().to_batches()
    typed = [coerce(batch, kinds, settings.data.missing)[0] for batch in batches]
    return pa.concat_tables(pa.table(columns) for columns in typed)


def _piece(settings: Settings, span: Span, label: Label) -> Piece:
    table = pa.concat_tables(pq.read_table(file) for file in span.files)
    labels, model = np.asarray(label(_typed(settings, table)), np.float64), settings.model
    where = f"{span.path}, by replay.label"
    check_labels(labels, where=where, task=model.task, classes=len(model.classes))
    labelled = np.flatnonzero(known(labels, model.task))
    times = span.manifest.period or span.manifest.time_range
    if times is None or not len(labelled):
        lacks = "time" if times is None else "row with a label"
        raise DataError(
            f"{span.path}: has no {lacks}, so that it cannot be played.",
            hint="Play spans that data.source cuts by period, with labels by replay.label.",
        )
    most = settings.replay.rows
    if most and most < len(labelled):
        chosen = np.random.default_rng(span.number).choice(len(labelled), most, replace=False)
        labelled = labelled[np.sort(chosen)]
    rows = table.take(labelled)
    ids = [str(value) for value in rows.column(settings.data.key).to_pylist()]
    return Piece(span.number, span.path, rows, labels[labelled], ids, times.end)
