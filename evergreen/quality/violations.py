"""Finds the rows of a batch that violate the schema."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

Kind = anomalies_pb2.AnomalyInfo
ABSENT = {
    Kind.SCHEMA_MISSING_COLUMN,
    Kind.FEATURE_TYPE_LOW_FRACTION_PRESENT,
    Kind.FEATURE_TYPE_LOW_NUMBER_PRESENT,
    Kind.FEATURE_TYPE_NOT_PRESENT,
}


@dataclass(frozen=True)
class Violation:
    """The rows of a batch that cause an anomaly.

    Attributes:
        rows: Mask of shape [rows].
        values: The values concerned, flat.
        sizes: The values, or numbers of values per row, that are out of bounds, flat.
    """

    rows: np.ndarray
    values: pa.Array
    sizes: np.ndarray


def violating(
    column: pa.Array | None, rows: int, feature: schema_pb2.Feature, kind: int
) -> Violation:
    """Finds the rows that cause an anomaly.

    Args:
        column: Lists of values, null where missing; None if no row has the column.
        rows: The number of rows of the batch.
        feature: The feature in the schema.
        kind: The type of the anomaly, of `AnomalyInfo.Type`.
    """
    nothing = pa.nulls(0), np.array([])
    if column is None:
        return Violation(np.full(rows, kind in ABSENT), *nothing)
    present = column.is_valid().to_numpy(zero_copy_only=False)
    if kind in ABSENT:
        return Violation(~present, *nothing)
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    if kind in _LENGTH_TESTS:
        wrong = present & _LENGTH_TESTS[kind](lengths, feature.value_count)
        return Violation(wrong, pc.list_flatten(column.filter(pa.array(wrong))), lengths[wrong])
    values = pc.list_flatten(column)
    bad = _VALUE_TESTS.get(kind, _any_value)(values, feature)
    wrong = np.zeros(rows, bool)
    wrong[np.repeat(np.arange(rows), lengths)[bad]] = True
    sizes = _numbers(values)[bad] if kind in _RANGE_TESTS else nothing[1]
    return Violation(wrong, values.filter(pa.array(bad)), sizes)


def _any_value(values: pa.Array, _: schema_pb2.Feature) -> np.ndarray:
    return np.ones(len(values), bool)


def _not_in_domain(values: pa.Array, feature: schema_pb2.Feature) -> np.ndarray:
    known = pa.array([value.encode() for value in feature.string_domain.value], values.type)
    return pc.invert(pc.is_in(values, value_set=known)).to_numpy(zero_copy_only=False)


def _numbers(values: pa.Array) -> np.ndarray:
    """Returns numbers unchanged, and text as numbers (NaN if it is none), like TFDV."""
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return values.to_numpy()
    return np.array([_parse(float, value) for value in values.to_pylist()], np.float32)


def _parse(kind: Callable[[bytes], float], text: bytes) -> float | None:
    with suppress(ValueError):
        return kind(text)
    return None


def _no_text_of(kind: Callable[[bytes], float], values: pa.Array) -> np.ndarray:
    return np.array([_parse(kind, value) is None for value in values.to_pylist()], bool)


def _not_utf8(values: pa.Array) -> np.ndarray:
    valid = (value.decode(errors="ignore").encode() == value for value in values.to_pylist())
    return ~np.fromiter(valid, bool, len(values))


def _limits(feature: schema_pb2.Feature) -> schema_pb2.IntDomain | schema_pb2.FloatDomain:
    return feature.int_domain if feature.HasField("int_domain") else feature.float_domain


_Test = Callable[[pa.Array, schema_pb2.Feature], np.ndarray]
_LENGTH_TESTS: dict[int, Callable[[np.ndarray, schema_pb2.ValueCount], np.ndarray]] = {
    Kind.FEATURE_TYPE_LOW_NUMBER_VALUES: lambda lengths, expected: lengths < expected.min,
    Kind.FEATURE_TYPE_HIGH_NUMBER_VALUES: lambda lengths, expected: lengths > expected.max,
}
_RANGE_TESTS: dict[int, _Test] = {
    Kind.INT_TYPE_SMALL_INT: lambda values, feature: _numbers(values) < _limits(feature).min,
    Kind.INT_TYPE_BIG_INT: lambda values, feature: _numbers(values) > _limits(feature).max,
    Kind.FLOAT_TYPE_SMALL_FLOAT: lambda values, feature: _numbers(values) < _limits(feature).min,
    Kind.FLOAT_TYPE_BIG_FLOAT: lambda values, feature: _numbers(values) > _limits(feature).max,
}
_VALUE_TESTS: dict[int, _Test] = {
    **_RANGE_TESTS,
    Kind.ENUM_TYPE_UNEXPECTED_STRING_VALUES: _not_in_domain,
    Kind.ENUM_TYPE_INVALID_UTF8: lambda values, _: _not_utf8(values),
    Kind.INT_TYPE_NOT_INT_STRING: lambda values, _: _no_text_of(int, values),
    Kind.FLOAT_TYPE_STRING_NOT_FLOAT: lambda values, _: _no_text_of(float, values),
    Kind.FLOAT_TYPE_HAS_NAN: lambda values, _: np.isnan(_numbers(values)),
    Kind.FLOAT_TYPE_HAS_INF: lambda values, _: np.isinf(_numbers(values)),
}
