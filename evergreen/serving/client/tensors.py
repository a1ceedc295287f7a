"""Converts NumPy arrays to TensorProtos and back, without TensorFlow."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evergreen.errors import EvergreenError
from evergreen.serving.protos import TensorProto, types_pb2

Array = NDArray[Any]
Tensors = dict[str, Array]
"""Tensors by name; strings are bytes, of dtype object."""

DTYPES: dict[int, np.dtype[Any]] = {
    types_pb2.DT_FLOAT: np.dtype(np.float32),
    types_pb2.DT_DOUBLE: np.dtype(np.float64),
    types_pb2.DT_INT8: np.dtype(np.int8),
    types_pb2.DT_INT16: np.dtype(np.int16),
    types_pb2.DT_INT32: np.dtype(np.int32),
    types_pb2.DT_INT64: np.dtype(np.int64),
    types_pb2.DT_UINT8: np.dtype(np.uint8),
    types_pb2.DT_UINT16: np.dtype(np.uint16),
    types_pb2.DT_UINT32: np.dtype(np.uint32),
    types_pb2.DT_UINT64: np.dtype(np.uint64),
    types_pb2.DT_BOOL: np.dtype(np.bool_),
    types_pb2.DT_STRING: np.dtype(object),
}
_NUMBERS = {dtype: number for number, dtype in DTYPES.items()}
_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
}


def dtype_of(number: int) -> np.dtype[Any]:
    """Converts TensorFlow's dtype to NumPy's.

    Raises:
        EvergreenError: If NumPy has no such dtype, as for bfloat16.
    """
    if number not in DTYPES:
        name = types_pb2.DataType.Name(number)
        raise EvergreenError(
            f"the model has tensors of the type {name}, which this client cannot read.",
            hint="Ask with tensorflow-serving-api and tf.make_ndarray.",
        )
    return DTYPES[number]


def fill(proto: TensorProto, array: Array) -> None:
    """Fills an empty proto with an array; strings are an object array of bytes.

    Raises:
        EvergreenError: If models do not take its dtype.
    """
    if array.dtype not in _NUMBERS:
        raise EvergreenError(
            f"tensors of the type {array.dtype} cannot be sent.",
            hint="Ask with tensorflow-serving-api and tf.make_tensor_proto.",
        )
    proto.dtype = _NUMBERS[array.dtype]
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype.hasobject:
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()


def to_array(proto: TensorProto) -> Array:
    """Returns the values of a tensor; if there are fewer than the shape's, the last is repeated."""
    dtype = dtype_of(proto.dtype)
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    values = getattr(proto, _FIELDS.get(proto.dtype, "int_val"))
    count = math.prod(shape)
    if len(values) < count:
        last = values[-1] if values else dtype.type() if dtype.kind != "O" else b""
        values = [*values, *[last] * (count - len(values))]
    return np.array(values, dtype).reshape(shape)
