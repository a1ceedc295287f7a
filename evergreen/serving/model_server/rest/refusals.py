"""Finds why JSON does not fit a signature, value by value, with TensorFlow Serving's messages.

It keeps the order of json_tensor.cc, so that it reports the same first error.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import grpc
import numpy as np
from tensorflow.core.framework import types_pb2 as types
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.tensors import FIELDS, type_name
from evergreen.serving.model_server.rest.parsing import B64, from_base64, is_object, kind, show

JSON_TYPES: dict[str, set[type]] = {
    "f": {int, float},
    "i": {int},
    "u": {int},
    "b": {bool},
    "O": {str},
}
"""The Python types that fit an array, by the kind of its dtype."""


def rows(rows: Sequence[Any], infos: Mapping[str, TensorInfo], named: bool) -> NoReturn:
    """Raises the error in the rows of a request.

    Args:
        rows: Values, or objects of values by the inputs' names.
        infos: The inputs of the signature.
        named: Whether the first row is an object.
    """
    shapes: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        if is_object(row) != named:
            wrong = "object but got list" if named else "value/list but got object"
            raise invalid(f"Expecting {wrong} at item {position} of input list")
        for name, value in row.items() if named else [(next(iter(infos)), row)]:
            try:
                _add_item(name, value, infos, shapes)
            except ServingError as error:
                where = f"{position} key: {name}" if named else f"{position}"
                raise invalid(
                    f"Failed to process element: {where} of 'instances' list. Error: "
                    f"{error.code.name}: {error.message}"
                ) from error
        if named and row.keys() != set(infos):
            raise invalid(
                f"Failed to process element: {position} of 'instances' list. JSON object: "
                f"{show(row)} keys must be equal to: {','.join(sorted(infos))}"
            )
    raise invalid("'instances' do not fit the inputs of the signature")


def columns(values: Mapping[str, Any], infos: Mapping[str, TensorInfo]) -> NoReturn:
    """Raises the error in the columns of a request: a value for each input."""
    for name, value in values.items():
        _walk(value, _shape(value), 0, infos[name])
    raise invalid("'inputs' do not fit the inputs of the signature")


def largest_int(dtype: np.dtype[Any]) -> int:
    """Returns the largest integer up to which a float type represents all integers."""
    return 2 ** (int(np.finfo(dtype).nmant) + 1) - 1


def is_lossless(value: float, dtype: np.dtype[Any]) -> bool:
    """Returns whether a float type represents a number; integers must stay exact."""
    if type(value) is int:
        return abs(value) <= largest_int(dtype)
    return not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)


def _add_item(
    name: str, value: Any, infos: Mapping[str, TensorInfo], shapes: dict[str, list[int]]
) -> None:
    if name not in infos:
        raise invalid(f"JSON object: does not have named input: {name}")
    shape = _shape(value)
    _walk(value, shape, 0, infos[name])
    expected = shapes.setdefault(name, shape)
    if math.prod(expected) != math.prod(shape):
        raise invalid(f"Expecting tensor size: {math.prod(expected)} but got: {math.prod(shape)}")
    if expected != shape:
        texts = (",".join(map(str, sizes)) for sizes in (expected, shape))
        raise invalid("Expecting shape [{}] but got: [{}]".format(*texts))


def _shape(value: Any) -> list[int]:
    shape = []
    while type(value) is list:
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _walk(value: Any, shape: Sequence[int], level: int, info: TensorInfo) -> None:
    if type(value) is not list:
        if level != len(shape):
            raise invalid(
                f"JSON Value: {show(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        _check(value, info)
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: "
            f"{shape[level]}"
        )
    for item in value:
        _walk(item, shape, level + 1, info)


def _check(value: Any, info: TensorInfo) -> None:
    if type(value) is dict:
        _check_bytes(value, info)
        return
    if info.dtype not in FIELDS:
        raise ServingError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Conversion of JSON Value: {show(value)} to type: {_type(info)}",
        )
    dtype = FIELDS[info.dtype][1]
    if type(value) not in JSON_TYPES[dtype.kind]:
        raise _wrong_type(value, info)
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        raise _wrong_type(value, info)
    if dtype.kind == "f" and not is_lossless(value, dtype):
        raise invalid(
            f"Cannot convert JSON value: {show(value)} to {_type(info)} without loss of precision."
        )


def _check_bytes(value: dict[str, Any], info: TensorInfo) -> None:
    if info.dtype != types.DT_STRING:
        raise _wrong_type(value, info)
    if is_object(value):
        raise invalid(f"JSON Value: {show(value)} not formatted correctly for base64 data")
    from_base64(value[B64])


def _wrong_type(value: Any, info: TensorInfo) -> ServingError:
    return invalid(
        f"JSON Value: {show(value)} Type: {kind(value)} is not of expected type: {_type(info)}"
    )


def _type(info: TensorInfo) -> str:
    return type_name(info.dtype)
