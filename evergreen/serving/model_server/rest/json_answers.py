"""Converts NumPy arrays to JSON, as TensorFlow Serving writes it.

Floats have the fewest digits that read back as the same float of their type, and whole ones end in
".0". `NaN`, `Infinity` and `-Infinity` are written as such, although strict JSON does not have
them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from google.protobuf.json_format import MessageToDict
from tensorflow_serving.apis.classification_pb2 import ClassificationResult
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
from tensorflow_serving.apis.regression_pb2 import RegressionResult

from evergreen.serving.model_server.core.answers import SIGNATURES
from evergreen.serving.model_server.core.errors import invalid
from evergreen.serving.model_server.core.tensors import Array, enum_of, type_name
from evergreen.serving.model_server.rest.parsing import to_base64

BYTES = "_bytes"
"""The suffix of outputs whose bytes are written as base64."""


def predictions(outputs: Mapping[str, Array], is_rows: bool) -> bytes:
    """Returns the answer to a Predict request, in the request's format.

    Args:
        outputs: The outputs by name; the name of a single one is not written.
        is_rows: Whether to write one value, or one object of values, per row; otherwise each output
            as a whole.

    Raises:
        ServingError: If rows are requested and outputs differ in their first size, or JSON does not
            have an output's type (INVALID_ARGUMENT).
    """
    if is_rows:
        _check_rows(outputs)
    values = {name: _values(name, array, is_rows) for name, array in outputs.items()}
    if len(values) == 1:
        answer: Any = next(iter(values.values()))
    elif is_rows:
        answer = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    else:
        answer = values
    return _dump({"predictions" if is_rows else "outputs": answer})


def classifications(result: ClassificationResult) -> bytes:
    """Returns the answer to a Classify request: label and score of each class of each example."""
    rows = [row.classes for row in result.classifications]
    scores = [_floats([class_.score for class_ in classes]) for classes in rows]
    pairs = [
        [[label.label, score] for label, score in zip(*both, strict=True)]
        for both in zip(rows, scores, strict=True)
    ]
    return _dump({"results": pairs})


def regressions(result: RegressionResult) -> bytes:
    """Returns the answer to a Regress request: a value for each example."""
    return _dump({"results": _floats([regression.value for regression in result.regressions])})


def status(response: GetModelStatusResponse) -> bytes:
    """Returns the states of a model's versions."""
    return _dump(_message(response))


def metadata(response: GetModelMetadataResponse) -> bytes:
    """Returns the signatures of a version."""
    signatures = SignatureDefMap()
    response.metadata[SIGNATURES].Unpack(signatures)
    return _dump(
        {
            "model_spec": _message(response.model_spec),
            "metadata": {SIGNATURES: _message(signatures)},
        }
    )


def _check_rows(outputs: Mapping[str, Array]) -> None:
    expected = None
    for name, array in outputs.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if expected is not None and len(array) != expected:
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: "
                f"{expected}"
            )
        expected = len(array)


def _values(name: str, array: Array, is_rows: bool) -> Any:
    """Returns a value that orjson writes as the array; for rows, a sequence of such values."""
    if array.dtype.hasobject:
        return _texts(name, array)
    if array.dtype.kind not in "fiub":
        raise invalid(
            f"Failed to write JSON value for tensor type: {type_name(enum_of(array.dtype))}"
        )
    values = np.ascontiguousarray(array) if array.ndim else array[()]
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return values
    return [_fragment(row) for row in values] if is_rows else _fragment(values)


def _texts(name: str, array: Array) -> Any:
    result = np.empty(array.size, object)
    if name.endswith(BYTES):
        result[:] = [to_base64(value) for value in array.flat]
    else:
        try:
            result[:] = [value.decode() for value in array.flat]
        except UnicodeDecodeError as error:
            raise invalid(
                f"Tensor name: {name} has a string that is not UTF-8; named with {BYTES} at the "
                "end, it would be written as base64"
            ) from error
    return result.reshape(array.shape).tolist()


def _floats(values: Sequence[float]) -> Any:
    array = np.array(values, np.float32)
    return list(array) if np.isfinite(array).all() else [_fragment(value) for value in array]


def _fragment(array: Any) -> orjson.Fragment:
    """Returns JSON of floats that are not all finite, for which orjson writes null."""
    values = np.asarray(array)
    tokens = iter([json.dumps(value) for value in values[~np.isfinite(values)].tolist()])
    return orjson.Fragment(re.sub("null", lambda _: next(tokens), _dump(array).decode()))


def _message(message: Any) -> dict[str, Any]:
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
