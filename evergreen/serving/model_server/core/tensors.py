"""TensorProtos to NumPy and back.

TensorFlow's `make_ndarray` and `make_tensor_proto` take longer than the models of many users.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2 as types
from tensorflow.core.framework.tensor_pb2 import TensorProto

from evergreen.serving.model_server.core.errors import invalid

Array = NDArray[Any]

MAX_REPEATED = 2**24
"""Elements of a tensor whose proto has fewer values, the last of which is repeated: such a proto
of a few bytes can stand for more memory than there is. TensorFlow has no such limit."""
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
KINDS = {dtype: (kind, field) for kind, (field, dtype) in FIELDS.items()}


def to_array(proto: TensorProto, name: str) -> Array:
    """Returns the values of a tensor; strings as an object array of bytes.

    Args:
        proto: With its values in `tensor_content`, or in the field of its type: the last one is
            repeated if there are fewer than the shape says, none stands for zeros.
        name: For the error.

    Raises:
        ServingError: If values and shape do not go together (INVALID_ARGUMENT).
    """
    try:
        return _to_array(proto)
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from error


def _to_array(proto: TensorProto) -> Array:
    if proto.tensor_shape.unknown_rank:
        raise ValueError("its shape is unknown")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise ValueError(f"its shape is {list(shape)}")
    if proto.dtype not in FIELDS:
        return np.asarray(tf.make_ndarray(proto))
    field, dtype = FIELDS[proto.dtype]
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    return _from_values(getattr(proto, field), dtype, math.prod(shape)).reshape(shape)


def _from_values(values: Any, dtype: np.dtype[Any], count: int) -> Array:
    if len(values) < count and count > MAX_REPEATED:
        raise ValueError(f"{count} elements, and only {len(values)} values")
    array = np.empty(count, dtype)
    given = min(len(values), count)
    array[:given] = values[:given]
    array[given:] = values[-1] if given else (b"" if dtype.hasobject else 0)
    return array


def to_proto(array: Array, proto: TensorProto, as_content: bool) -> None:
    """Fills a proto with an array.

    Args:
        array: Strings as objects.
        proto: An empty one.
        as_content: Numbers go to `tensor_content`, as bytes, instead of the field of their type.
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
        getattr(proto, field).extend(array.ravel().tolist())


def type_name(dtype: np.dtype[Any]) -> str:
    """Returns TensorFlow's name of a type in its error messages: "float", "string", "int64"."""
    name: str = tf.as_dtype(dtype).name
    return {"float32": "float", "float64": "double", "float16": "half"}.get(name, name)
