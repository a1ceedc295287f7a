"""Converts the JSON of Classify and Regress requests to `tf.Example`s."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import Feature
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from evergreen.serving.model_server.core.errors import invalid
from evergreen.serving.model_server.rest.json_tensors import signature_name
from evergreen.serving.model_server.rest.parsing import B64, from_base64, is_object, kind, show
from evergreen.serving.model_server.rest.refusals import is_lossless

EXAMPLES, CONTEXT = "examples", "context"
FLOAT = np.dtype(np.float32)
MAX_INT = np.iinfo(np.int64).max
KINDS = {str: "bytes", dict: "bytes", float: "float", int: "int64", bool: "int64"}
"""The kind of a feature, by the type of its values."""


def fill(document: Mapping[str, Any], request: ClassificationRequest | RegressionRequest) -> None:
    """Fills a request from a document.

    Args:
        document: Has "examples", objects of features, each a value or a list of values: strings and
            base64 are bytes, decimals are floats, integers and booleans are integers. It may have
            "context", an object of features common to all examples, and "signature_name".
        request: The request, with its model named.

    Raises:
        ServingError: If the document has another form (INVALID_ARGUMENT).
    """
    request.model_spec.signature_name = signature_name(document)
    target: Any = request.input.example_list
    if CONTEXT in document:
        target = request.input.example_list_with_context
        _fill_example(document[CONTEXT], target.context)
    for row in _rows(document):
        _fill_example(row, target.examples.add())


def _rows(document: Mapping[str, Any]) -> list[Any]:
    rows = document.get(EXAMPLES)
    if EXAMPLES not in document:
        problem = f"When method is classify, key '{EXAMPLES}' is expected and was not found"
    elif type(rows) is not list:
        problem = f"Expecting '{EXAMPLES}' value to be an list/array"
    elif not rows:
        problem = f"'{EXAMPLES}' value is an empty array"
    else:
        return rows
    raise invalid(f"JSON Value: {show(document)} {problem}")


def _fill_example(features: Any, example: Example) -> None:
    if type(features) is not dict:
        raise invalid(f"Example must be JSON object but got JSON {kind(features)}")
    for name, content in features.items():
        values = content if type(content) is list else [content]
        _fill_feature(name, values, example.features.feature[name])


def _fill_feature(name: str, values: list[Any], feature: Feature) -> None:
    kinds = [_kind(name, value) for value in values]
    if len(set(kinds)) > 1:
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {kinds[0]}")
    match kinds[:1]:
        case ["bytes"]:
            feature.bytes_list.value.extend(map(_bytes, values))
        case ["float"]:
            feature.float_list.value.extend(values)
        case ["int64"]:
            feature.int64_list.value.extend(values)


def _kind(name: str, value: Any) -> str:
    if type(value) not in KINDS or is_object(value):
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {kind(value)}")
    if type(value) is int and value > MAX_INT:
        raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    if type(value) is float and not is_lossless(value, FLOAT):
        raise invalid(
            f"Cannot convert JSON value: {show(value)} to float without loss of precision."
        )
    return KINDS[type(value)]


def _bytes(value: str | dict[str, str]) -> bytes:
    return value.encode() if isinstance(value, str) else from_base64(value[B64])
