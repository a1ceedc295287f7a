"""The JSON of Predict requests becomes arrays, or an error that tells where it cannot."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework import types_pb2 as types
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.rest.json_answers import predictions
from evergreen.serving.model_server.rest.json_tensors import read
from evergreen.serving.model_server.rest.parsing import parse

NUMBERS = {
    np.dtype(np.bool_): types.DT_BOOL,
    np.dtype(np.int8): types.DT_INT8,
    np.dtype(np.uint16): types.DT_UINT16,
    np.dtype(np.int32): types.DT_INT32,
    np.dtype(np.int64): types.DT_INT64,
    np.dtype(np.uint64): types.DT_UINT64,
    np.dtype(np.float32): types.DT_FLOAT,
    np.dtype(np.float64): types.DT_DOUBLE,
}


def inputs(text: str, **dtypes: int) -> dict[str, np.ndarray]:
    infos = {name: TensorInfo(dtype=dtype) for name, dtype in dtypes.items()}
    return read(parse(text.encode()), infos)[0]


def refusal(text: str, **dtypes: int) -> str:
    with pytest.raises(ServingError) as caught:
        inputs(text, **dtypes)
    return caught.value.message


@given(
    st.sampled_from(list(NUMBERS)).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=4))
    ),
    st.booleans(),
)
@settings(max_examples=400, derandomize=True, deadline=None)
def test_what_is_written_reads_back_bit_for_bit(array: np.ndarray, is_rows: bool) -> None:
    text = predictions({"x": array}, is_rows)
    sent = text.replace(b'"predictions"', b'"instances"').replace(b'"outputs"', b'"inputs"')

    (result,) = inputs(sent.decode(), x=NUMBERS[array.dtype]).values()

    assert result.dtype == array.dtype
    np.testing.assert_array_equal(result, array)
    numbers = ~np.isnan(array)
    assert result[numbers].tobytes() == array[numbers].tobytes()


@given(st.lists(st.binary(max_size=8), min_size=1), st.booleans())
@settings(derandomize=True, deadline=None)
def test_bytes_read_back_from_base64(values: list[bytes], is_rows: bool) -> None:
    array = np.empty(len(values), object)
    array[:] = values
    text = predictions({"x_bytes": array}, is_rows)
    sent = text.replace(b'"predictions"', b'"instances"').replace(b'"outputs"', b'"inputs"')

    assert inputs(sent.decode(), x=types.DT_STRING)["x"].tolist() == values


def test_rows_of_named_inputs_become_columns_in_any_order_of_keys() -> None:
    found = inputs(
        '{"instances": [{"a": [1, 2.5], "b": "x"}, {"b": "é", "a": [3, 4]}]}',
        a=types.DT_FLOAT,
        b=types.DT_STRING,
    )

    assert found["a"].tolist() == [[1, 2.5], [3, 4]]
    assert found["b"].tolist() == [b"x", "é".encode()]


def test_nan_and_infinity_are_numbers() -> None:
    found = inputs('{"inputs": [NaN, Infinity, -Infinity, 1]}', x=types.DT_FLOAT)["x"]

    assert math.isnan(found[0])
    assert found[1:].tolist() == [math.inf, -math.inf, 1]


def test_an_input_that_is_called_like_base64_is_still_an_input() -> None:
    assert inputs('{"inputs": {"b64": [1]}}', b64=types.DT_INT32)["b64"].tolist() == [1]
    assert inputs('{"instances": [{"b64": 1}]}', b64=types.DT_INT32)["b64"].tolist() == [1]


@pytest.mark.parametrize("text", ["aGVsbG8=", "aGVsbG8", " aGVs bG8=\\n"])
def test_base64_may_lack_padding_and_have_spaces(text: str) -> None:
    assert inputs(f'{{"inputs": {{"b64": "{text}"}}}}', x=types.DT_STRING)["x"] == b"hello"


@pytest.mark.parametrize("text", ["aGVsbG8==", "a", "a*b=", "é", "=", "aGVs=bG8"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    message = refusal(f'{{"instances": [{{"b64": "{text}"}}]}}', x=types.DT_STRING)

    assert message.endswith("of 'instances' list. Error: INVALID_ARGUMENT: Unable to base64 decode")


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        ('"x"', types.DT_FLOAT, 'JSON Value: "x" Type: String is not of expected type: float'),
        ("null", types.DT_FLOAT, "JSON Value: null Type: Null is not of expected type: float"),
        ("true", types.DT_FLOAT, "JSON Value: true Type: True is not of expected type: float"),
        ("1.0", types.DT_INT32, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ("1", types.DT_BOOL, "JSON Value: 1 Type: Number is not of expected type: bool"),
        ("1", types.DT_STRING, "JSON Value: 1 Type: Number is not of expected type: string"),
        ("300", types.DT_INT8, "JSON Value: 300 Type: Number is not of expected type: int8"),
        ("-1", types.DT_UINT64, "JSON Value: -1 Type: Number is not of expected type: uint64"),
        (
            "9223372036854775808",
            types.DT_INT64,
            "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64",
        ),
        (
            "16777217",
            types.DT_FLOAT,
            "Cannot convert JSON value: 16777217 to float without loss of precision.",
        ),
        (
            "1e39",
            types.DT_FLOAT,
            "Cannot convert JSON value: 1e+39 to float without loss of precision.",
        ),
        (
            "9007199254740993",
            types.DT_DOUBLE,
            "Cannot convert JSON value: 9007199254740993 to double without loss of precision.",
        ),
        (
            '{"b64": 1}',
            types.DT_STRING,
            'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data',
        ),
        ("1", types.DT_HALF, "Conversion of JSON Value: 1 to type: half"),
    ],
)
def test_values_that_do_not_fit_are_told(value: str, dtype: int, message: str) -> None:
    assert refusal(f'{{"inputs": {{"x": [{value}]}}}}', x=dtype) == message


@pytest.mark.parametrize(
    ("value", "dtype"), [("16777215", types.DT_FLOAT), ("1e38", types.DT_FLOAT)]
)
def test_the_largest_numbers_that_fit_are_taken(value: str, dtype: int) -> None:
    assert inputs(f'{{"inputs": [{value}]}}', x=dtype)["x"].tolist() == [
        pytest.approx(float(value))
    ]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("[[1,2],[3,4],[5,6,7]]", "2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
         "tensor size: 2 but got: 3"),
        ("[[1,2],[3,4],[[5,6]]]", "2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
         "shape [2] but got: [1,2]"),
        ("[1, [1]]", "1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but "
         "got: [1]"),
        ("[[1, [2]]]", "0 of 'instances' list. Error: INVALID_ARGUMENT: Encountered list at "
         "unexpected level: 1 expected < 1"),
        ("[[[1], 2]]", "0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: 2 found at "
         "incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ("[[[1], [2, 3]]]", "0 of 'instances' list. Error: INVALID_ARGUMENT: Encountered list at "
         "unexpected size: 2 at level: 1 expected size: 1"),
    ],
)  # fmt: skip
def test_ragged_rows_are_told(rows: str, problem: str) -> None:
    message = refusal(f'{{"instances": {rows}}}', x=types.DT_INT32)

    assert message == f"Failed to process element: {problem}"


BOTH = {"a": types.DT_INT32, "b": types.DT_STRING}
FAILED = "Failed to process element: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"instances": [1]}, "instances is a plain list, but expecting list of objects as multiple "
         "input tensors required as per tensorinfo_map"),
        ({"inputs": [1]}, "inputs is a plain value/list, but expecting an object as multiple input "
         "tensors required as per tensorinfo_map"),
        ({"inputs": {"a": 1}}, "Missing named input: b in 'inputs' object."),
        ({"instances": [{"a": 1, "b": "x"}, [1]]},
         "Expecting object but got list at item 1 of input list"),
        ({"instances": [{"a": 1, "b": "x", "c": 2}]}, FAILED + "0 key: c of 'instances' list. "
         "Error: INVALID_ARGUMENT: JSON object: does not have named input: c"),
        ({"instances": [{"a": 1, "b": "x"}, {"a": 1}]}, FAILED + "1 of 'instances' list. JSON "
         'object: {\n    "a": 1\n} keys must be equal to: a,b'),
        ({"instances": [{"a": "x", "b": "x"}]}, FAILED + "0 key: a of 'instances' list. Error: "
         'INVALID_ARGUMENT: JSON Value: "x" Type: String is not of expected type: int32'),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": 1}, 'JSON Value: {\n    "instances": 1\n} Excepting \'instances\' to be an '
         "list/array"),
        ({"instances": []}, 'JSON Value: {\n    "instances": []\n} No values in \'instances\' '
         "array"),
        ({"instances": [1], "inputs": 1}, 'JSON Value: {\n    "instances": [\n        1\n    ],\n'
         '    "inputs": 1\n} Not formatted correctly expecting only one of \'inputs\' or '
         "'instances' keys to exist "),
    ],
)  # fmt: skip
def test_requests_that_do_not_name_the_inputs_are_told(text: dict, message: str) -> None:
    assert refusal(json.dumps(text), **BOTH) == message


def test_objects_among_plain_rows_are_told() -> None:
    message = refusal('{"instances": ["a", {"x": "b"}]}', x=types.DT_STRING)

    assert message == "Expecting value/list but got object at item 1 of input list"


def test_lists_deeper_than_arrays_can_be_are_refused() -> None:
    assert "nested deeper than 64 levels" in refusal(
        f'{{"inputs": {"[" * 900 + "]" * 900}}}', x=types.DT_FLOAT
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
        (b'{"instances": [1, 2}', "JSON Parse error: Missing a comma, or ] after an array, or } "
         "after an object. at offset: 19"),
        (b"{} {}", "JSON Parse error: The document root must not be followed by other values. at "
         "offset: 3"),
        (b'{"a": "\xff"}', "JSON Parse error: Invalid encoding in string. at offset: 7"),
        (b'{"a": "\\ud800"}', "JSON Parse error: The surrogate pair in string is invalid."),
        (b'{"a": 1e400}', "JSON Parse error: Number too big to be stored in double."),
        (b'{"a": -' + b"9" * 5000 + b"}", "JSON Parse error: Number too big to be stored in "
         "double."),
        (b"[" * 100_000, "JSON Parse error: The document is nested too deep."),
        (b"[1]", "JSON Value: [\n    1\n] Is not object"),
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(ServingError) as caught:
        parse(body)

    assert caught.value.message == message


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(b'\xef\xbb\xbf{"inputs": 1}') == {"inputs": 1}


def test_pairs_of_surrogates_are_one_character_beside_nan_too() -> None:
    assert parse(b'{"a": "\\ud83d\\ude00", "b": NaN}')["a"] == "\N{GRINNING FACE}"


def test_integers_beyond_64_bits_are_floats_however_they_are_parsed() -> None:
    assert parse(b'{"a": 18446744073709551616, "b": 1}') == {"a": 2.0**64, "b": 1}
    assert parse(b'{"a": 18446744073709551616, "b": NaN}')["a"] == 2.0**64


def test_long_values_are_cut_in_messages() -> None:
    message = refusal(json.dumps({"instances": [1], "inputs": ["x" * 10**6] * 3}), x=types.DT_FLOAT)

    assert len(message) < 1200


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert parse(b'{"inputs": [1], "inputs": [2]}') == {"inputs": [2]}
    assert parse(b'{"inputs": [1], "inputs": [NaN, 2], "inputs": [3]}') == {"inputs": [3]}
