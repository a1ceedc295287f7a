"""Reads the rows of a split, and formats them as text."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from evergreen.texts import shorten
from evergreen.tf_examples import read_records

BATCH_ROWS = 65_536
MAX_TEXT = 80
HUGE = 1e9
MISSING = "missing"


def read(folder: Path) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yields batches of at most 65,536 rows, with their number of rows.

    Args:
        folder: TFRecords of `tf.Example`s.
    """
    decoder = ExamplesToRecordBatchDecoder()
    for records in read_records([folder], BATCH_ROWS):
        yield decoder.DecodeBatch(records), len(records)


def column_of(batch: pa.RecordBatch, name: str | None) -> pa.Array | None:
    """Returns a column as lists of values; None if no row of the batch has it."""
    index = -1 if name is None else batch.schema.get_field_index(name)
    if index < 0 or pa.types.is_null(batch.schema.types[index]):
        return None
    return batch.column(index)


def type_name(column: pa.Array) -> str:
    """Returns the type of a column's values in words."""
    values = column.type.value_type
    if pa.types.is_floating(values):
        return "decimal numbers"
    return "whole numbers" if pa.types.is_integer(values) else "text"


def row_as_text(batch: pa.RecordBatch, row: int) -> dict[str, str]:
    """Returns all columns of a row as text."""
    names = batch.schema.names
    return {name: _cell(batch.column(at)[row].as_py()) for at, name in enumerate(names)}


def as_text(value: bytes | float) -> str:
    """Formats a value: numbers with float32's precision, long text cut at 80 characters."""
    if isinstance(value, bytes):
        return shorten(value.decode(errors="backslashreplace"), MAX_TEXT)
    if isinstance(value, int):
        return str(value)
    number = np.float32(value)
    return np.format_float_positional(number, trim="-") if abs(number) < HUGE else str(number)


def _cell(values: list[bytes | float] | None) -> str:
    if values is None:
        return MISSING
    if len(values) == 1:
        return as_text(values[0])
    # Only as many items of a long list as are shown.
    return shorten(f"[{', '.join(as_text(value) for value in values[:MAX_TEXT])}]", MAX_TEXT)
