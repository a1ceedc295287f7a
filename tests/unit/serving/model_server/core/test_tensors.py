"""TensorProtos to NumPy and back: as TensorFlow does it."""

import re

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework.tensor_pb2 import TensorProto

from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.tensors import expansion, to_array, to_proto

NUMBERS = [
    np.float32, np.float64, np.float16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16,
    np.uint32, np.uint64, np.bool_, np.complex64,
]  # fmt: skip
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
ARRAYS = st.sampled_from(NUMBERS).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))
TEXTS = hnp.arrays(object, SHAPES, elements=st.binary(max_size=5))


@given(array=ARRAYS | TEXTS, as_content=st.booleans())
@settings(deadline=None)
def test_what_is_written_reads_the_same(array: np.ndarray, as_content: bool) -> None:
    proto = TensorProto()
    to_proto(array, proto, as_content)
    for read in (to_array(proto, "x"), tf.make_ndarray(proto)):
        assert (read.dtype, read.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read, array)


@given(array=ARRAYS | TEXTS)
@settings(deadline=None)
def test_what_clients_write_is_read(array: np.ndarray) -> None:
    read = to_array(tf.make_tensor_proto(array), "x")
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(read, array)


def test_the_last_value_is_repeated_and_none_is_zero() -> None:
    assert to_array(tf.make_tensor_proto(7, tf.int32, [2, 2]), "x").tolist() == [[7, 7], [7, 7]]
    shape = tf.TensorShape([2]).as_proto()
    assert to_array(TensorProto(dtype=1, tensor_shape=shape), "x").tolist() == [0, 0]
    assert to_array(TensorProto(dtype=7, tensor_shape=shape), "x").tolist() == [b"", b""]


@pytest.mark.parametrize(
    ("shape", "fields", "problem"),
    [
        ([2], {"tensor_content": b"123"}, "buffer size"),
        ([3], {"tensor_content": b"12345678"}, "cannot reshape"),
        ([-1], {"float_val": [1.0]}, re.escape("its shape is [-1]")),
        ([1] * 65, {"float_val": [1.0]}, "more than 64 dimensions"),
        ([2**62] * 1_000_000, {}, "more than 64 dimensions"),
        (None, {"float_val": [1.0]}, "its shape is unknown"),
    ],
)
def test_values_that_do_not_fit_the_shape_are_refused(
    shape: list[int] | None, fields: dict, problem: str
) -> None:
    proto = TensorProto(dtype=1, tensor_shape=tf.TensorShape(None).as_proto(), **fields)
    if shape is not None:
        proto.tensor_shape.Clear()
        for size in shape:
            proto.tensor_shape.dim.add(size=size)
    with pytest.raises(ServingError, match=f"^tensor parsing error: x: .*{problem}"):
        to_array(proto, "x")


@pytest.mark.parametrize("dtype", [np.float16, tf.bfloat16.as_numpy_dtype])
def test_halves_are_bits_of_integers(dtype: type) -> None:
    array = np.array([1.5, -2.0], dtype)
    proto = tf.make_tensor_proto(array)
    proto.tensor_content = b""
    proto.half_val[:] = array.view(np.uint16).tolist()
    np.testing.assert_array_equal(to_array(proto, "x"), array)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 4), (np.float16, 2), (np.int8, 1), (np.bool_, 1), (np.complex128, 16)],
)
def test_what_a_tensor_stands_for_is_known_before_it_is_read(dtype: type, size: int) -> None:
    proto = tf.make_tensor_proto(dtype(0).item(), dtype, [2**20])
    assert expansion({"x": proto, "y": proto}) >= 2 * (2**20 - 1) * size
    assert expansion({"x": tf.make_tensor_proto(np.zeros(1000, np.int64))}) == 0
