"""Faults of taxi trips, case by case."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.components.example_gen.splits import assign_splits, fingerprints
from tests.unit.components.data_gate.gating import SPLITS, trips
from tests.unit.components.rows import Row

ROWS = 60
FIRST = 3
LARGEST, SMALLEST = 2**63 - 1, -(2**63)
Values = list[bytes] | list[int] | list[float]


@cache
def sixty() -> pa.Table:
    """Sixty trips with a value in every column but the one that has none.

    The first three are in three splits.
    """
    columns = [column for column in trips().columns if column.null_count < trips().num_rows / 2]
    complete = pc.is_valid(columns[0])
    for column in columns:
        complete = pc.and_(complete, pc.is_valid(column))
    table = trips().filter(complete).slice(0, ROWS)
    splits = assign_splits(fingerprints(table["trip_id"].combine_chunks()), SPLITS)
    _, first = np.unique(splits, return_index=True)
    return table.take(np.concatenate([first, np.delete(np.arange(ROWS), first)]))


def put(name: str, value: object, rows: int = FIRST) -> Callable[[pa.Table], pa.Table]:
    """Puts a value, or null, into the first rows of a column, which may be a new one."""

    def change(table: pa.Table) -> pa.Table:
        is_new = name not in table.column_names
        old = [None] * ROWS if is_new else table[name].to_pylist()
        type_ = pa.binary() if isinstance(value, bytes) else None
        kept = table if is_new else table.drop_columns(name)
        return kept.append_column(name, pa.array([value] * rows + old[rows:], type_))

    return change


def put_list(name: str, values: Values, rows: int = ROWS) -> Callable[[list[Row]], list[Row]]:
    """Puts a list of values into the examples made of the first rows."""

    def change(examples: list[Row]) -> list[Row]:
        spoilt = {key.encode() for key in sixty()["trip_id"].to_pylist()[:rows]}
        return [
            example | {name: values} if example["trip_id"][0] in spoilt else example
            for example in examples
        ]

    return change


@dataclass(frozen=True)
class Case:
    """Something wrong with a feature, and what is said of it.

    Attributes:
        violates: The constraint of the schema that does not hold.
        feature: The feature.
        kind: What TFDV calls it.
        said: The finding's description.
        rows: How many rows are wrong, from the first.
        shown: The finding's values.
        in_file: What makes it wrong in the file that is delivered.
        in_examples: What makes it wrong in the examples, where ExampleGen itself would not.
        cell: How the feature is shown in the example rows, if not as one of the values.
    """

    violates: str
    feature: str
    kind: str
    said: str
    rows: int = FIRST
    shown: list[str] = field(default_factory=list)
    in_file: Callable[[pa.Table], pa.Table] = lambda table: table
    in_examples: Callable[[list[Row]], list[Row]] | None = None
    cell: str | None = None


CASES = [
    Case(
        "columns",
        "colour",
        "SCHEMA_NEW_COLUMN",
        "expected no such column; found one with text",
        shown=["red"],
        in_file=put("colour", "red"),
    ),
    Case(
        "presence.min_count",
        "fare",
        "SCHEMA_MISSING_COLUMN",
        "expected a column of decimal numbers; found none",
        rows=ROWS,
        in_file=lambda table: table.drop_columns("fare"),
        cell="missing",
    ),
    Case(
        "presence.min_count",
        "trip_start_hour",
        "FEATURE_TYPE_NOT_PRESENT",
        "expected a value in every row; found none",
        rows=ROWS,
        in_file=put("trip_start_hour", None, ROWS),
    ),
    Case(
        "presence.min_fraction",
        "tips",
        "FEATURE_TYPE_LOW_FRACTION_PRESENT",
        "expected a value in every row; found one in 30 rows (50 %)",
        rows=30,
        in_file=put("tips", None, 30),
    ),
    Case(
        "presence.min_fraction",
        "pickup_latitude",
        "FEATURE_TYPE_LOW_FRACTION_PRESENT",
        "expected a value in at least 95 % of the rows; found one in 30 rows (50 %)",
        rows=30,
        in_file=put("pickup_latitude", None, 30),
    ),
    Case(
        "value_count.min",
        "trip_start_hour",
        "FEATURE_TYPE_LOW_NUMBER_VALUES",
        "expected at least 1 value a row; found as few as 0",
        in_examples=put_list("trip_start_hour", [], FIRST),
    ),
    Case(
        "value_count.max",
        "company",
        "FEATURE_TYPE_HIGH_NUMBER_VALUES",
        "expected at most 1 value a row; found up to 2",
        shown=["Blue", "Red"],
        in_examples=put_list("company", [b"Blue", b"Red"], FIRST),
        cell="[Blue, Red]",
    ),
    Case(
        "type INT",
        "trip_start_month",
        "UNEXPECTED_DATA_TYPE",
        "expected whole numbers; found decimal numbers",
        rows=ROWS,
        shown=["5.5"],
        in_examples=put_list("trip_start_month", [5.5]),
    ),
    Case(
        "type FLOAT",
        "fare",
        "UNEXPECTED_DATA_TYPE",
        "expected decimal numbers; found whole numbers",
        rows=ROWS,
        shown=["5"],
        in_examples=put_list("fare", [5]),
    ),
    Case(
        "type BYTES",
        "company",
        "UNEXPECTED_DATA_TYPE",
        "expected text; found whole numbers",
        rows=ROWS,
        shown=["5"],
        in_examples=put_list("company", [5]),
    ),
    Case(
        "type INT",
        "trip_start_hour",
        "INT_TYPE_NOT_INT_STRING",
        "expected whole numbers; found text that is none",
        rows=ROWS,
        shown=["noon"],
        in_examples=put_list("trip_start_hour", [b"noon"]),
    ),
    Case(
        "type FLOAT",
        "fare",
        "FLOAT_TYPE_STRING_NOT_FLOAT",
        "expected numbers; found text that is none",
        rows=ROWS,
        shown=["far"],
        in_examples=put_list("fare", [b"far"]),
    ),
    Case(
        "domain",
        "payment_type",
        "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
        "expected one of Cash, Credit Card, Dispute, No Charge, Pcard, Prcard, Unknown; "
        "found 1 other value",
        shown=["Barter"],
        in_file=put("payment_type", "Barter"),
    ),
    Case(
        "domain",
        "payment_type",
        "ENUM_TYPE_INVALID_UTF8",
        "expected text in UTF-8; found other bytes",
        shown=["Ca\\xdfh"],
        in_file=put("payment_type", b"Ca\xdfh"),
    ),
    Case(
        "int_domain.min",
        "trip_start_day",
        "INT_TYPE_SMALL_INT",
        "expected at least 1; found down to 0",
        shown=["0"],
        in_file=put("trip_start_day", 0),
    ),
    Case(
        "int_domain.max",
        "trip_start_timestamp",
        "INT_TYPE_BIG_INT",
        "expected at most 4102444800; found up to 1400269500000",
        shown=["1400269500000"],
        in_file=put("trip_start_timestamp", 1_400_269_500_000),
    ),
    Case(
        # TFDV takes the largest whole number for the smallest.
        "int_domain.max",
        "trip_start_hour",
        "INT_TYPE_BIG_INT",
        "expected at most 23; found up to 9223372036854775807",
        shown=[str(LARGEST)],
        in_file=put("trip_start_hour", LARGEST),
    ),
    Case(
        "float_domain.min",
        "fare",
        "FLOAT_TYPE_SMALL_FLOAT",
        "expected at least 0; found down to -4.05",
        shown=["-4.05"],
        in_file=put("fare", -4.05),
    ),
    Case(
        "float_domain.min",
        "pickup_latitude",
        "FLOAT_TYPE_SMALL_FLOAT",
        "expected at least 41.6; found down to 5",
        rows=ROWS,
        shown=["5.0"],
        in_examples=put_list("pickup_latitude", [b"5.0"]),
    ),
    Case(
        "float_domain.max",
        "trip_seconds",
        "FLOAT_TYPE_BIG_FLOAT",
        "expected at most 86400; found up to 86401",
        shown=["86401"],
        in_file=put("trip_seconds", 86_401.0),
    ),
    Case(
        "float_domain.disallow_nan",
        "tips",
        "FLOAT_TYPE_HAS_NAN",
        "expected numbers; found NaN",
        shown=["nan"],
        in_file=put("tips", math.nan),
    ),
    Case(
        "float_domain.disallow_inf",
        "fare",
        "FLOAT_TYPE_HAS_INF",
        "expected finite numbers; found infinite ones",
        shown=["inf"],
        in_file=put("fare", math.inf),
    ),
]


def spoilt_lists(feature: schema_pb2.Feature) -> Iterator[pa.Array]:
    """All that can be done to the values of a feature, as lists of values, null where missing."""
    good = {schema_pb2.BYTES: b"Cash", schema_pb2.INT: 5, schema_pb2.FLOAT: 41.8}[feature.type]
    odd: list[bytes | float | int] = [b"", b"far", b"5", b"\xff", b"x" * 5000]
    odd += [0.0, -1e30, 1e30, math.nan, math.inf, -math.inf, 0, LARGEST, SMALLEST]
    types = {bytes: pa.large_binary(), float: pa.float32(), int: pa.int64()}
    for value in odd:
        same = [[good]] if type(value) is type(good) else []
        for content in ([[value]] * 9, [[value], None], [[value, value], None], [[value], *same]):
            yield pa.array(content, pa.large_list(types[type(value)]))
    for content in ([[]], [[], [good]], [None, [good]], [None], [None] * 9 + [[good]]):
        yield pa.array(content, pa.large_list(types[type(good)]))
