"""Counts the rows behind anomalies, and keeps examples: TFDV only gives percentages."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from evergreen.quality.mismatch import MAX_TEXT, MAX_VALUES, as_text
from evergreen.quality.violations import Violation, violating
from evergreen.texts import shorten
from evergreen.tf_examples import read_records

BATCH_ROWS = 65_536
MISSING = "missing"
MAX_EXAMPLES = 3


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


def _cell(values: list[bytes | float] | None) -> str:
    if values is None:
        return MISSING
    if len(values) == 1:
        return as_text(values[0])
    # Only as many items of a long list as are shown.
    return shorten(f"[{', '.join(as_text(value) for value in values[:MAX_TEXT])}]", MAX_TEXT)


class Anomaly(NamedTuple):
    """A kind of anomaly (of `AnomalyInfo.Type`), of a column or of the whole data set."""

    column: str | None
    kind: int


@dataclass
class Tally:
    """The facts about an anomaly.

    Attributes:
        said: TFDV's description.
        splits: The splits that have it.
        count: The rows concerned.
        rows: All rows checked.
        values: Up to five of the values concerned, as text.
        examples: Up to three of the rows, text by column.
        smallest: The smallest value, or number of values, out of bounds.
        largest: The largest.
        type_name: The type of the column's values, in words; empty if it has none.
    """

    said: str = ""
    splits: list[str] = field(default_factory=list)
    count: int = 0
    rows: int = 0
    values: list[str] = field(default_factory=list)
    examples: list[dict[str, str]] = field(default_factory=list)
    smallest: float = math.inf
    largest: float = -math.inf
    type_name: str = ""

    def add(self, found: Violation) -> None:
        """Adds the violations of a batch."""
        self.count += int(found.rows.sum())
        self.rows += len(found.rows)
        if len(self.values) < MAX_VALUES:
            self._add_values(as_text(value) for value in found.values.unique().to_pylist())
        if len(found.sizes):
            self.smallest = min(self.smallest, found.sizes.min().item())
            self.largest = max(self.largest, found.sizes.max().item())

    def add_examples(self, batch: pa.RecordBatch, rows: np.ndarray) -> None:
        """Adds rows of a batch as examples, up to the limit; `rows` is a mask."""
        for row in np.flatnonzero(rows)[: MAX_EXAMPLES - len(self.examples)]:
            self.examples.append(row_as_text(batch, int(row)))

    def _add_values(self, texts: Iterable[str]) -> None:
        for text in texts:
            if text not in self.values:
                self.values.append(text)
            if len(self.values) == MAX_VALUES:
                break


def count_rows(folder: Path, schema: schema_pb2.Schema, tallies: Mapping[Anomaly, Tally]) -> None:
    """Adds the rows of a split to the tallies of its anomalies, in one pass.

    Args:
        folder: TFRecords of `tf.Example`s.
        schema: The schema.
        tallies: A tally for each anomaly.
    """
    features = {anomaly: feature_of(schema, anomaly.column) for anomaly in tallies}
    for batch, rows in read(folder):
        for anomaly, tally in tallies.items():
            column = column_of(batch, anomaly.column)
            found = violating(column, rows, features[anomaly], anomaly.kind)
            tally.add(found)
            tally.add_examples(batch, found.rows)
            if column is not None:
                tally.type_name = type_name(column)


def feature_of(schema: schema_pb2.Schema, name: str | None) -> schema_pb2.Feature:
    """Returns the feature in the schema, with a named domain inlined; empty if there is none."""
    feature = schema_pb2.Feature()
    for candidate in schema.feature:
        if candidate.name == name:
            feature.CopyFrom(candidate)
    for domain in schema.string_domain:
        if feature.domain == domain.name:
            feature.string_domain.CopyFrom(domain)
    return feature
