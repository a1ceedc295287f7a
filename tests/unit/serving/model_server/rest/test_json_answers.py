"""Arrays are written as TensorFlow Serving writes them."""

import json

import numpy as np
import pytest
from tensorflow_serving.apis.classification_pb2 import ClassificationResult
from tensorflow_serving.apis.regression_pb2 import RegressionResult

from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.rest.json_answers import (
    classifications,
    predictions,
    regressions,
)


def strings(*values: bytes) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_floats_have_the_digits_of_their_type_and_whole_ones_a_point() -> None:
    array = np.array([0.1, 1 / 3, 3, -0.0, 16777216], np.float32)

    assert predictions({"x": array}, True) == (
        b'{"predictions":[0.1,0.33333334,3.0,-0.0,16777216.0]}'
    )
    assert predictions({"x": array[:2].astype(np.float64)}, True) == (
        b'{"predictions":[0.10000000149011612,0.3333333432674408]}'
    )


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint32, np.uint64])
def test_integers_have_none(dtype: type) -> None:
    assert predictions({"x": np.array([[1], [2]], dtype)}, False) == b'{"outputs":[[1],[2]]}'


def test_what_is_not_finite_has_a_name() -> None:
    array = np.array([[np.nan, np.inf], [3, -np.inf]], np.float32)

    assert predictions({"x": array}, True) == (b'{"predictions":[[NaN,Infinity],[3.0,-Infinity]]}')
    assert predictions({"x": array, "null": strings(b"null", b"x")}, True) == (
        b'{"predictions":[{"x":[NaN,Infinity],"null":"null"},{"x":[3.0,-Infinity],"null":"x"}]}'
    )
    assert predictions({"x": array[0, 0]}, False) == b'{"outputs":NaN}'


def test_a_single_output_has_no_name_and_several_have() -> None:
    outputs = {"a": np.array([1, 2]), "b": np.array([[True], [False]])}

    assert predictions(outputs, True) == (
        b'{"predictions":[{"a":1,"b":[true]},{"a":2,"b":[false]}]}'
    )
    assert predictions(outputs, False) == b'{"outputs":{"a":[1,2],"b":[[true],[false]]}}'


def test_strings_are_text_unless_their_name_says_bytes() -> None:
    array = strings(b"hello", "é".encode())

    assert json.loads(predictions({"x": array}, True)) == {"predictions": ["hello", "é"]}
    assert predictions({"x_bytes": array.reshape(1, 2)}, True) == (
        b'{"predictions":[[{"b64":"aGVsbG8="},{"b64":"w6k="}]]}'
    )


def test_strings_that_are_no_text_are_refused_with_what_to_do() -> None:
    with pytest.raises(ServingError, match="named with _bytes at the end"):
        predictions({"x": strings(b"\xff")}, True)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"x": np.array(1)}, "Tensor name: x has no shape information "),
        (
            {"a": np.zeros(2), "b": np.zeros((1, 3))},
            "Tensor name: b has inconsistent batch size: 1 expecting: 2",
        ),
        ({"x": np.zeros(1, complex)}, "Failed to write JSON value for tensor type: complex128"),
    ],
)
def test_outputs_that_are_no_rows_are_told(outputs: dict, message: str) -> None:
    with pytest.raises(ServingError) as caught:
        predictions(outputs, True)

    assert caught.value.message == message


def test_classes_and_values_are_floats() -> None:
    result = ClassificationResult()
    for score in (0.1, float("nan")):
        result.classifications.add().classes.add(label="a", score=score)
    values = RegressionResult()
    for value in (3.5, float("-inf")):
        values.regressions.add(value=value)

    assert classifications(result) == b'{"results":[[["a",0.1]],[["a",NaN]]]}'
    assert regressions(values) == b'{"results":[3.5,-Infinity]}'
