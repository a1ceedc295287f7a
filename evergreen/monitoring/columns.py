"""Turns the JSON of logged features and outputs into typed columns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from evergreen.quality.columns import Refusal, coerce, nulled
from evergreen.quality.names import Names

TYPES = {"FLOAT": pa.float64(), "INT": pa.int64(), "BYTES": pa.string()}
TYPES |= {"FLOATS": pa.list_(pa.float64())}
BLOCK = 1 << 20
UNNAMED = "output"
LONGEST = 4 << 20
"""The longest row to read value by value, in characters: Python takes forty times the memory."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Missing:
    """The values that clients send for a missing value."""

    integer: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class Features:
    """Features of some rows.

    Attributes:
        columns: Columns by name, as float32, int64 or binary; null where missing or mistyped.
        mistyped: Values of another type than the schema's.
        unknown: Names of unexpected features that have a value.
        unreadable: The number of rows left out, which are not JSON objects, or too long.
    """

    columns: dict[str, pa.Array]
    mistyped: list[Refusal]
    unknown: Names
    unreadable: int = 0


def features(
    batch: pa.RecordBatch, kinds: Mapping[str, str], missing: Missing, known: Collection[str] = ()
) -> tuple[pa.RecordBatch, Features]:
    """Reads features, in memory that does not grow with the unexpected ones.

    Args:
        batch: A batch of the log; its column `features` holds JSON objects.
        kinds: The types of the features to read: `FLOAT`, `INT` or `BYTES`.
        missing: The values that stand for a missing value, besides null.
        known: Other names that rows may contain.

    Returns:
        The rows that are objects, and their features.
    """
    unknown, rows = Names(), len(batch)
    columns = _fast(batch["features"], kinds)
    if columns is None:
        names = frozenset(known).union(kinds)
        columns, objects = _slow(batch["features"], kinds, names, unknown)
        batch = batch if all(objects) else batch.filter(pa.array(objects))
    texts = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    typed, mistyped = coerce(texts, kinds)
    values = {name: _without(column, missing) for name, column in typed.items()}
    return batch, Features(values, mistyped, unknown, rows - len(batch))


def answers(texts: pa.Array, output: str | None, width: int = 1) -> Floats:
    """Reads answers: float64 of shape [n, width], NaN in a row without as many finite numbers.

    Args:
        texts: JSON objects, strings of shape [n].
        output: The name of a list of `width` numbers, or of one number; None for the only output.
            A REST answer with one output does not name it: the log calls it `output`.
        width: The numbers of an answer: one, or one for each class.
    """
    found = _fast_answers(texts, output, width)
    if found is None:
        rows = [_numbers(_object(text.as_py()), output, width) for text in texts]
        found = np.array(rows, np.float64).reshape(-1, width)
    return np.where(np.isfinite(found).all(axis=1, keepdims=True), found, np.nan)


def _fast_answers(texts: pa.Array, output: str | None, width: int) -> Floats | None:
    """Reads answers by Arrow; None if not all rows have the form of the first."""
    first = _object(texts[0].as_py()) if len(texts) else None
    name = next(iter(first), None) if first and output is None else output
    if name is None or (output is None and len(first or ()) != 1):
        return None
    kind, names = ("FLOAT" if width == 1 else "FLOATS"), dict.fromkeys((name, UNNAMED))
    columns = _fast(texts, dict.fromkeys(names, kind), "error" if output is None else "ignore")
    if columns is None:
        return None
    column = pc.coalesce(*columns.values())
    if width == 1:
        return np.asarray(column.to_numpy(zero_copy_only=False)).reshape(-1, 1)
    is_whole = pc.equal(pc.list_value_length(column), width).fill_null(False)
    found = np.full((len(column), width), np.nan)
    numbers = column.filter(is_whole).flatten().to_numpy(zero_copy_only=False)
    found[is_whole.to_numpy(zero_copy_only=False)] = numbers.reshape(-1, width)
    return found


def _fast(
    texts: pa.Array, kinds: Mapping[str, str], others: str = "error"
) -> dict[str, pa.Array] | None:
    """Parses columns by Arrow's reader; None if a row does not have the expected types."""
    if texts.null_count or not pc.all(pc.starts_with(texts, "{"), min_count=0).as_py():
        return None
    lines = pc.binary_join_element_wise(texts, "", "\n")  # one buffer, with one line each
    _, offsets, data = lines.buffers()
    data = data.slice(0, int(np.frombuffer(offsets, np.int32)[len(lines)]))
    longest = pc.max(pc.binary_length(lines)).as_py() or 0
    schema = pa.schema([pa.field(name, TYPES[kind]) for name, kind in kinds.items()])
    try:
        table = pj.read_json(
            pa.BufferReader(data),
            pj.ReadOptions(block_size=max(BLOCK, 2 * longest)),
            pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=others),
        )
    except pa.ArrowInvalid:
        return None
    # Each text is at least one object, so equal numbers mean that each is exactly one.
    if len(table) != len(texts):
        return None
    return {name: _array(column) for name, column in zip(kinds, table.columns, strict=True)}


def _slow(
    texts: pa.Array, kinds: Mapping[str, str], known: frozenset[str], unknown: Names
) -> tuple[dict[str, pa.Array], list[bool]]:
    """Parses columns value by value, as text, and returns which rows are objects."""
    columns: dict[str, list[str | None]] = {name: [] for name in kinds}
    objects = []
    for text in texts:
        row = _object(text.as_py())
        objects.append(row is not None)
        if row is None:
            continue
        for name, column in columns.items():
            column.append(_text(row.get(name)))
        unknown.add(name for name in row if name not in known and row[name] is not None)
    return {name: pa.array(column, pa.string()) for name, column in columns.items()}, objects


def _object(text: str | None) -> dict[str, Any] | None:
    if not text or len(text) > LONGEST:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _text(value: Any) -> str | None:
    if isinstance(value, list) and len(value) == 1:  # a tensor of rank 2
        [value] = value
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _without(column: pa.Array, missing: Missing) -> pa.Array:
    """Returns the column with null for missing values."""
    marker: Any = None
    if pa.types.is_integer(column.type):
        marker = missing.integer
    elif pa.types.is_binary(column.type):
        marker = None if missing.text is None else missing.text.encode()
    if marker is None:
        return column
    return nulled(column, pc.equal(column, marker))


def _numbers(outputs: dict[str, Any] | None, name: str | None, width: int) -> list[float]:
    outputs = outputs or {}
    if name is None and len(outputs) == 1:
        [name] = outputs
    value: Any = outputs.get(name or "", outputs.get(UNNAMED))
    values = value if isinstance(value, list) else [value]
    # In Python, JSON's true is a number.
    if len(values) != width or any(type(item) not in (int, float) for item in values):
        return [np.nan] * width
    return [float(item) for item in values]
