"""Counts the rows behind an anomaly: TFDV itself only gives percentages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

Kind = anomalies_pb2.AnomalyInfo
BATCH_ROWS = 65_536
ABSENT = {
    Kind.SCHEMA_MISSING_COLUMN,
    Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT,
    Kind.FEATURE_TYPE_LOW_NUMBER_PRESENT,
    Kind.FEATURE_TYPE_NOT_PRESENT,
}


def count_rows(
    split_folder: Path, schema: schema_pb2.Schema, feature: str, kind: int
) -> tuple[int, int, list[str]]:
    """Counts the rows of a split that an anomaly is about.

    Args:
        split_folder: TFRecords of `tf.Example`s.
        schema: What was expected.
        feature: The feature's name.
        kind: The type of the anomaly, of `AnomalyInfo.Type`.

    Returns:
        The number of such rows, the number of all rows, and up to five distinct values of theirs.
    """
    count, total, values = 0, 0, []
    for column, rows in _read(split_folder, feature):
        violating = _violating(column, rows, _expected(schema, feature), kind)
        count, total = count + int(violating.sum()), total + rows
        if column is not None:
            values += pc.list_flatten(column.filter(pa.array(violating))).unique().to_pylist()[:5]
    return count, total, [_text(value) for value in dict.fromkeys(values)][:5]


def _read(split_folder: Path, feature: str) -> Iterator[tuple[pa.Array | None, int]]:
    decoder = ExamplesToRecordBatchDecoder()
    files = sorted(str(file) for file in split_folder.iterdir())
    for records in tf.data.TFRecordDataset(files).batch(BATCH_ROWS).as_numpy_iterator():
        batch = decoder.DecodeBatch(list(records))
        index = batch.schema.get_field_index(feature)
        column = batch.column(index) if index >= 0 else None
        usable = column is not None and not pa.types.is_null(column.type)
        yield (column if usable else None), batch.num_rows or len(records)


def _expected(schema: schema_pb2.Schema, name: str) -> schema_pb2.Feature:
    """The feature as the schema has it, with a named domain put in place."""
    feature = schema_pb2.Feature()
    for candidate in schema.feature:
        if candidate.name == name:
            feature.CopyFrom(candidate)
    for domain in schema.string_domain:
        if feature.domain == domain.name:
            feature.string_domain.CopyFrom(domain)
    return feature


def _violating(
    column: pa.Array | None, rows: int, feature: schema_pb2.Feature, kind: int
) -> np.ndarray:
    """A mask of shape [rows]: the rows that make the anomaly true."""
    if column is None:
        return np.full(rows, kind in ABSENT)
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    present = column.is_valid().to_numpy(zero_copy_only=False)
    if kind in ABSENT:
        return ~present
    if kind == Kind.FEATURE_TYPE_HIGH_NUMBER_VALUES:
        return lengths > feature.value_count.max
    if kind == Kind.FEATURE_TYPE_LOW_NUMBER_VALUES:
        return present & (lengths < feature.value_count.min)
    bad = _VALUE_TESTS.get(kind, _any_value)(pc.list_flatten(column), feature)
    violating = np.zeros(rows, bool)
    violating[np.repeat(np.arange(rows), lengths)[bad]] = True
    return violating


def _not_in_domain(values: pa.Array, feature: schema_pb2.Feature) -> np.ndarray:
    known = pa.array([value.encode() for value in feature.string_domain.value], values.type)
    return pc.invert(pc.is_in(values, value_set=known)).to_numpy(zero_copy_only=False)


def _too_small(values: pa.Array, feature: schema_pb2.Feature) -> np.ndarray:
    return values.to_numpy() < _domain(feature).min


def _too_big(values: pa.Array, feature: schema_pb2.Feature) -> np.ndarray:
    return values.to_numpy() > _domain(feature).max


def _domain(feature: schema_pb2.Feature) -> schema_pb2.IntDomain | schema_pb2.FloatDomain:
    return feature.int_domain if feature.HasField("int_domain") else feature.float_domain


def _any_value(values: pa.Array, feature: schema_pb2.Feature) -> np.ndarray:
    return np.ones(len(values), bool)


_VALUE_TESTS: dict[int, Callable[[pa.Array, schema_pb2.Feature], np.ndarray]] = {
    Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES: _not_in_domain,
    Kind.INT_TYPE_SMALL_INT: _too_small,
    Kind.INT_TYPE_BIG_INT: _too_big,
    Kind.FLOAT_TYPE_SMALL_FLOAT: _too_small,
    Kind.FLOAT_TYPE_BIG_FLOAT: _too_big,
    Kind.FLOAT_TYPE_HAS_NAN: lambda values, _: np.isnan(values.to_numpy()),
    Kind.FLOAT_TYPE_HAS_INF: lambda values, _: np.isinf(values.to_numpy()),
}


def _text(value: bytes | float) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
