"""Converts TensorProtos to NumPy arrays and back.

TensorFlow's `make_ndarray` and `make_tensor_proto` take longer than many users' models.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2 as types
from tensorflow.core.framework.tensor_pb2 import TensorProto

from evergreen.serving.model_server.core.errors import invalid

Array = NDArray[Any]

MAX_RANK = 64
"""The highest rank of an array in NumPy 2; TensorFlow allows 254."""
FIELDS: dict[int, tuple[str, np.dtype[Any]]] = {
    types.DT_FLOAT: ("float_val", np.dtype(np.float32)),
    types.DT_DOUBLE: ("double_val", np.dtype(np.float64)),
    types.DT_INT64: ("int64_val", np.dtype(np.int64)),
    types.DT_INT32: ("int_val", np.dtype(np.int32)),
    types.DT_INT16: ("int_val", np.dtype(np.int16)),
    types.DT_INT8: ("int_val", np.dtype(np.int8)),
    types.DT_UINT8: ("int_val", np.dtype(np.uint8)),
    types.DT_UINT16: ("int_val", np.dtype(np.uint16)),
    types.DT_UINT32: ("uint32_val", np.dtype(np.uint32)),
    types.DT_UINT64: ("uint64_val", np.dtype(np.uint64)),
    types.DT_BOOL: ("bool_val", np.dtype(np.bool_)),
    types.DT_STRING: ("string_val", np.dtype(object)),
}
HALVES = {
    types.DT_HALF: np.dtype(np.float16),
    types.DT_BFLOAT16: np.dtype(tf.bfloat16.as_numpy_dtype),
}
"""Types whose values are the bits of 16-bit floats, in `half_val`."""
CHUNK = 2**16
"""Elements to convert to Python objects at a time, since each takes eight times a float's
memory."""
WIDEST = 16
"""The most bytes of an element of any other type: of complex128."""
KINDS = {dtype: (kind, field) for kind, (field, dtype) in FIELDS.items()}


def expansion(protos: Mapping[str, TensorProto]) -> int:
    """Returns the bytes that tensors take beyond the values in the protos.

    A tensor may have fewer values than its shape declares, so a few bytes can stand for more memory
    than exists. Nothing is expanded here.

    Raises:
        ServingError: If a shape is impossible (INVALID_ARGUMENT).
    """
    return sum(_expansion(proto, name) for name, proto in protos.items())


def to_array(proto: TensorProto, name: str) -> Array:
    """Returns the values of a tensor; strings as an object array of bytes.

    Args:
        proto: Has its values in `tensor_content`, or in the field of its type: if there are fewer
            than the shape declares, the last one is repeated; if none, they are zeros. `expansion`
            has checked the size.
        name: The name for the error.

    Raises:
        ServingError: If values and shape do not match (INVALID_ARGUMENT).
    """
    shape = _shape(proto, name)
    try:
        if proto.dtype in HALVES:
            return _values(proto, "half_val", np.dtype(np.uint16), shape).view(HALVES[proto.dtype])
        if proto.dtype in FIELDS:
            return _values(proto, *FIELDS[proto.dtype], shape)
        return np.asarray(tf.make_ndarray(proto))
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from error


def _shape(proto: TensorProto, name: str) -> tuple[int, ...]:
    """Checks the rank before the sizes: the product of a million sizes takes minutes."""
    problem = ""
    if proto.tensor_shape.unknown_rank:
        problem = "its shape is unknown"
    elif len(proto.tensor_shape.dim) > MAX_RANK:
        problem = f"its shape has more than {MAX_RANK} dimensions"
    sizes = () if problem else tuple(dim.size for dim in proto.tensor_shape.dim)
    if any(size < 0 for size in sizes):
        problem = f"its shape is {list(sizes)}"
    if problem:
        raise invalid(f"tensor parsing error: {name}: {problem}")
    return sizes


def _expansion(proto: TensorProto, name: str) -> int:
    count = math.prod(_shape(proto, name))
    if proto.tensor_content:
        return 0  # cut to the shape without a copy, or unfit
    if proto.dtype in HALVES:
        return max(count - len(proto.half_val), 0) * 2
    if proto.dtype in FIELDS:
        field, dtype = FIELDS[proto.dtype]
        return max(count - len(getattr(proto, field)), 0) * dtype.itemsize
    return count * WIDEST


def _values(proto: TensorProto, field: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    values, count = getattr(proto, field), math.prod(shape)
    array = np.empty(count, dtype)
    given = min(len(values), count)
    array[:given] = values[:given]
    array[given:] = values[-1] if given else (b"" if dtype.hasobject else 0)
    return array.reshape(shape)


def to_proto(array: Array, proto: TensorProto, as_content: bool) -> None:
    """Fills a proto with an array.

    Args:
        array: Strings as objects.
        proto: An empty proto.
        as_content: Whether numbers go to `tensor_content`, as bytes, instead of their type's field.
    """
    if array.dtype not in KINDS:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    kind, field = KINDS[array.dtype]
    proto.dtype = kind
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if as_content and kind != types.DT_STRING:
        proto.tensor_content = array.tobytes()
    else:
        flat, values = array.ravel(), getattr(proto, field)
        for start in range(0, flat.size, CHUNK):
            values.extend(flat[start : start + CHUNK].tolist())


def enum_of(dtype: np.dtype[Any]) -> int:
    """Returns TensorFlow's number for a type."""
    return KINDS[dtype][0] if dtype in KINDS else int(tf.as_dtype(dtype).as_datatype_enum)


def type_name(number: int) -> str:
    """Returns the name of a type as in TensorFlow's errors: "float", "string", "int64"."""
    if number not in types.DataType.values():
        return f"unknown dtype enum ({number})"
    return types.DataType.Name(number).removeprefix("DT_").lower()
