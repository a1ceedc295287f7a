"""Builds a signature's inputs from rows."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from evergreen.errors import DataError, EvergreenError, or_meant
from evergreen.quality.values import is_missing
from evergreen.serving.client import signatures
from evergreen.serving.client.columns import (
    Columns,
    Rows,
    check_names,
    convert,
    from_rows,
    to_array,
    wrong,
)
from evergreen.serving.client.signatures import Signature, Signatures
from evergreen.serving.client.tensors import Array, Tensors
from evergreen.serving.protos import Example

LISTS = {"f": "float_list", "i": "int64_list", "b": "int64_list", "O": "bytes_list"}
FLOAT, INT, BYTES = np.dtype(np.float32), np.dtype(np.int64), np.dtype(object)


def serialize(columns: Columns, dtypes: Mapping[str, np.dtype[Any]]) -> Array:
    """Returns one serialized `tf.Example` per row; missing values are absent features.

    Args:
        columns: The columns.
        dtypes: The known dtypes of features; others follow from the values, where a float makes all
            numbers of a column floats.

    Returns:
        Bytes [n], of dtype object.

    Raises:
        DataError: If a value does not have its feature's type; names the column and the row.
    """
    count = len(next(iter(columns.values())))
    examples = [Example() for _ in range(count)]
    for name, values in columns.items():
        dtype = _held(dtypes[name]) if name in dtypes else _dtype(name, values)
        _add(examples, name, values, dtype)
    serialized = [example.SerializeToString(deterministic=True) for example in examples]
    return np.array(serialized, object)


def _add(examples: list[Example], name: str, values: list[Any], dtype: np.dtype[Any]) -> None:
    for row, (example, value) in enumerate(zip(examples, values, strict=True), start=1):
        if is_missing(value):
            continue
        many = value if isinstance(value, list | tuple | np.ndarray) else (value,)
        feature = example.features.feature[name]
        try:
            converted = [convert(item, dtype) for item in many]
        except ValueError as error:
            raise wrong(name, row, value, error) from error
        getattr(feature, LISTS[dtype.kind]).value.extend(converted)


def _held(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Returns the dtype in a `tf.Example`: floats as float32, integers as int64."""
    held: dict[str, np.dtype[Any]] = {"f": FLOAT, "u": INT}
    return held.get(dtype.kind, dtype)


def _dtype(name: str, values: list[Any]) -> np.dtype[Any]:
    """Infers the dtype of a column from its values."""
    known = [value for value in values if not is_missing(value)]
    flat = [item for value in known for item in (value if isinstance(value, list) else (value,))]
    if all(isinstance(item, bool | int | np.integer | np.bool_) for item in flat):
        return INT
    if all(isinstance(item, bool | int | float | Decimal | np.number) for item in flat):
        return FLOAT
    if all(isinstance(item, str | bytes) for item in flat):
        return BYTES
    found = ", ".join(sorted({type(item).__name__ for item in flat}))
    raise DataError(
        f"column {name}: has values of the types {found}, which no tf.Example holds.",
        hint="Convert them to numbers or text, or leave the column out.",
    )


def build(served: Signatures, name: str, rows: Rows) -> Tensors:
    """Builds the inputs of a request.

    Args:
        served: The model's signatures.
        name: The name of the signature.
        rows: Rows of raw columns. Columns that the signature does not take are ignored.

    Returns:
        Tensors by input: serialized `tf.Example`s, or one tensor per column.

    Raises:
        EvergreenError: If there is no such signature.
        DataError: If rows lack a column, or a value has a wrong type.
    """
    signature = find(served, name)
    columns, known = from_rows(rows), signatures.columns(served, name)
    by_example = signature.takes_examples() and not signature.inputs.keys() <= columns.keys()
    if not by_example:
        check_names(columns, signature.inputs, name)
        return {key: to_array(key, columns[key], spec) for key, spec in signature.inputs.items()}
    check_names(columns, known, name)
    chosen = {key: columns[key] for key in known} or columns
    return dict.fromkeys(signature.inputs, serialize(chosen, signatures.types(served)))


def find(served: Signatures, name: str) -> Signature:
    """Returns a signature by its name.

    Raises:
        EvergreenError: If it does not exist, with the names that do; or if this client cannot use
            it.
    """
    if name in served:
        if why := served[name].unreadable:
            raise EvergreenError(
                f"the signature {name!r} cannot be asked by this client: {why}.",
                hint="Ask with tensorflow-serving-api and tf.make_ndarray.",
            )
        return served[name]
    raise EvergreenError(
        f"the model has no signature {name!r}{or_meant(name, served)}",
        hint=f"It has: {', '.join(served)}." if served else "It has none at all.",
    )
