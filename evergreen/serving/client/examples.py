"""Serialized `tf.Example`s from columns, without TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evergreen.errors import DataError
from evergreen.serving.client.columns import Columns, convert, is_missing, wrong
from evergreen.serving.client.protos import Example
from evergreen.serving.client.tensors import Array

LISTS = {"f": "float_list", "i": "int64_list", "u": "int64_list", "b": "int64_list"}


def serialize(columns: Columns, dtypes: Mapping[str, np.dtype[Any]]) -> Array:
    """Returns one serialized `tf.Example` a row; a missing value is an absent feature.

    Args:
        columns: What goes in.
        dtypes: Of features, where they are known; others follow from the values, numbers being
            floats if any in the column is.

    Returns:
        Bytes [n], of dtype object.

    Raises:
        DataError: If a value is not of its feature's type; names the column and the row.
    """
    count = len(next(iter(columns.values())))
    examples = [Example() for _ in range(count)]
    for name, values in columns.items():
        kind = dtypes[name].kind if name in dtypes else _kind(name, values)
        _add(examples, name, values, kind)
    serialized = [example.SerializeToString(deterministic=True) for example in examples]
    return np.array(serialized, object)


def _add(examples: list[Example], name: str, values: list[Any], kind: str) -> None:
    for row, (example, value) in enumerate(zip(examples, values, strict=True), start=1):
        if is_missing(value):
            continue
        many = value if isinstance(value, list | tuple | np.ndarray) else (value,)
        feature = example.features.feature[name]
        try:
            converted = [convert(one, kind) for one in many]
            getattr(feature, LISTS.get(kind, "bytes_list")).value.extend(converted)
        except (TypeError, ValueError, OverflowError) as error:
            raise wrong(name, row, value, kind) from error


def _kind(name: str, values: list[Any]) -> str:
    """Returns the kind of a column by its values."""
    known = [value for value in values if not is_missing(value)]
    flat = [one for value in known for one in (value if isinstance(value, list) else (value,))]
    if all(isinstance(one, bool | int | np.integer | np.bool_) for one in flat):
        return "i"
    if all(isinstance(one, bool | int | float | np.number) for one in flat):
        return "f"
    if all(isinstance(one, str | bytes) for one in flat):
        return "O"
    found = ", ".join(sorted({type(one).__name__ for one in flat}))
    raise DataError(
        f"column {name}: has values of the types {found}, which no tf.Example holds.",
        hint="Convert them to numbers or text, or leave the column out.",
    )
