"""Turns the JSON of logged features and outputs into typed columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from evergreen.quality.columns import Refusal, coerce

TYPES = {"FLOAT": pa.float64(), "INT": pa.int64(), "BYTES": pa.string()}
BLOCK = 1 << 20
UNNAMED = "output"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Missing:
    """What clients send for a missing value."""

    integer: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class Features:
    """Features of some rows.

    Attributes:
        columns: By name, as float32, int64 or binary; null where missing, or of another type.
        mistyped: Values that are not of the type that the schema says.
        unknown: How many rows have a feature that the schema does not know, by its name.
    """

    columns: dict[str, pa.Array]
    mistyped: list[Refusal]
    unknown: dict[str, int]


def features(texts: pa.Array, kinds: Mapping[str, str], missing: Missing) -> Features:
    """Reads features.

    Args:
        texts: JSON objects, strings of shape [n].
        kinds: The types of the features to read: `FLOAT`, `INT` or `BYTES`.
        missing: What stands for no value, besides null.
    """
    columns, unknown = _fast(texts, kinds) or _slow(texts, kinds)
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    typed, mistyped = coerce(batch, kinds)
    values = {name: _without(column, missing) for name, column in typed.items()}
    return Features(values, mistyped, unknown)


def scores(texts: pa.Array, output: str) -> Floats:
    """Reads probabilities: float64 of shape [n], NaN where there is no number from 0 to 1.

    Args:
        texts: JSON objects, strings of shape [n].
        output: The name of a number, or of a list of one. An answer by REST with one output has no
            name for it: the log calls it `output`.
    """
    names = dict.fromkeys((output, UNNAMED))
    schema = pa.schema([pa.field(name, pa.float64()) for name in names])
    try:
        table = _parse(texts, schema, "ignore")
        found = pc.coalesce(*(table[name] for name in names)).to_numpy()
    except pa.ArrowInvalid:
        found = np.array([_number(orjson.loads(text), output) for text in texts.to_pylist()])
    return np.where((found >= 0) & (found <= 1), found, np.nan)


def _parse(texts: pa.Array, schema: pa.Schema, unexpected: str) -> pa.Table:
    lines = pc.binary_join_element_wise(texts, "", "\n")  # one buffer, a line each
    _, offsets, data = lines.buffers()
    data = data.slice(0, int(np.frombuffer(offsets, np.int32)[len(lines)]))
    longest = pc.max(pc.binary_length(lines)).as_py() or 0
    return pj.read_json(
        pa.BufferReader(data),
        pj.ReadOptions(block_size=max(BLOCK, 2 * longest)),
        pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected),
    )


def _fast(
    texts: pa.Array, kinds: Mapping[str, str]
) -> tuple[dict[str, pa.Array], dict[str, int]] | None:
    """Columns by Arrow's reader, and other names; None if values are not of their types."""
    schema = pa.schema([pa.field(name, TYPES[kind]) for name, kind in kinds.items()])
    try:
        table = _parse(texts, schema, "infer").combine_chunks()
    except pa.ArrowInvalid:
        return None
    columns = {name: _array(table[name]) for name in kinds}
    others = {name: len(table) - table[name].null_count for name in table.column_names}
    return columns, {name: count for name, count in others.items() if name not in kinds and count}


def _slow(texts: pa.Array, kinds: Mapping[str, str]) -> tuple[dict[str, pa.Array], dict[str, int]]:
    """The same value by value, as text, whatever it is."""
    rows = [orjson.loads(text) for text in texts.to_pylist()]
    columns = {
        name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in kinds
    }
    unknown: dict[str, int] = {}
    for row in rows:
        for name in row.keys() - kinds.keys():
            if row[name] is not None:
                unknown[name] = unknown.get(name, 0) + 1
    return columns, unknown


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _text(value: Any) -> str | None:
    if isinstance(value, list) and len(value) == 1:  # a tensor of rank 2
        [value] = value
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _without(column: pa.Array, missing: Missing) -> pa.Array:
    """The column with null for what stands for it."""
    marker: Any = None
    if pa.types.is_integer(column.type):
        marker = missing.integer
    elif pa.types.is_binary(column.type):
        marker = None if missing.text is None else missing.text.encode()
    if marker is None:
        return column
    return pc.if_else(pc.equal(column, marker), pa.scalar(None, column.type), column)


def _number(outputs: dict[str, Any], name: str) -> float:
    value = outputs.get(name, outputs.get(UNNAMED))
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    return float(value) if isinstance(value, int | float) else np.nan
