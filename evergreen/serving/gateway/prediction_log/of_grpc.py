"""Parses predictions of the gRPC API."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from evergreen.serving.client.tensors import Array, to_array
from evergreen.serving.gateway.prediction_log.entries import (
    Entry,
    TooLargeError,
    check_elements,
    check_rows,
)
from evergreen.serving.gateway.rewrites import fields
from evergreen.serving.protos import (
    ClassificationRequest,
    ClassificationResponse,
    Example,
    Input,
    MultiInferenceRequest,
    MultiInferenceResponse,
    PredictRequest,
    PredictResponse,
    RegressionRequest,
    RegressionResponse,
    TensorProto,
)

Rows = list[dict[str, Any]]
Read = tuple[str, int | None, str, Rows, Rows]
FLOATS = "float_list"


def read(entry: Entry) -> Read:
    """Returns model, version, signature, features and outputs."""
    return {
        "Predict": _predict,
        "Classify": _classify,
        "Regress": _regress,
        "MultiInference": _multi_inference,
    }[entry.api](entry.request, entry.response)


def features_of(example: Example) -> dict[str, Any]:
    """Returns the values of a `tf.Example` by name; None for a missing value."""
    return {name: _feature(feature) for name, feature in example.features.feature.items()}


def of_examples(texts: Iterable[bytes]) -> Rows | None:
    """Returns the features of serialized `tf.Example`s; None if the strings are something else.

    The type of a string is not declared, but other strings almost never parse as an example with
    features.
    """
    rows = []
    for text in texts:
        try:
            features = features_of(Example.FromString(text))
        except (DecodeError, TypeError):
            return None
        if not features:
            return None
        rows.append(features)
    return rows


def _predict(request: bytes, response: bytes) -> Read:
    asked, answered = PredictRequest.FromString(request), PredictResponse.FromString(response)
    inputs, outputs = _arrays(asked.inputs), _arrays(answered.outputs)
    spec = answered.model_spec
    version = spec.version.value if spec.HasField("version") else None
    return spec.name, version, asked.model_spec.signature_name, _inputs(inputs), _rows(outputs)


def _arrays(protos: Mapping[str, TensorProto]) -> dict[str, Array]:
    shapes = [[dim.size for dim in proto.tensor_shape.dim] for proto in protos.values()]
    check_elements(sum(map(math.prod, shapes)))
    return {name: to_array(proto) for name, proto in protos.items()}


def _inputs(inputs: dict[str, Array]) -> Rows:
    if len(inputs) == 1:
        [array] = inputs.values()
        if array.dtype.hasobject and array.ndim == 1 and (rows := of_examples(array)):
            return rows
    return _rows(inputs)


def _rows(tensors: dict[str, Array]) -> Rows:
    """Returns one dict per row of the common first dimension; one for all if there is none."""
    sizes = {array.shape[:1] for array in tensors.values()}
    if len(sizes) != 1 or sizes == {()}:
        return [tensors]
    [[count]] = sizes
    check_rows(count)
    return [{name: array[row] for name, array in tensors.items()} for row in range(count)]


def _classify(request: bytes, response: bytes) -> Read:
    asked = ClassificationRequest.FromString(request)
    answered = ClassificationResponse.FromString(response)
    outputs = [_classes(classification) for classification in answered.result.classifications]
    return (*_named(asked, answered), _examples(asked.input), outputs)


def _regress(request: bytes, response: bytes) -> Read:
    asked = RegressionRequest.FromString(request)
    answered = RegressionResponse.FromString(response)
    outputs = [{"value": regression.value} for regression in answered.result.regressions]
    return (*_named(asked, answered), _examples(asked.input), outputs)


def _multi_inference(request: bytes, response: bytes) -> Read:
    if not fields(request):  # millions of empty tasks would take gigabytes when parsed
        raise TooLargeError("more tasks than are looked at")
    asked = MultiInferenceRequest.FromString(request)
    answered = MultiInferenceResponse.FromString(response)
    features = _examples(asked.input)
    outputs: Rows = [{} for _ in features]
    for result in answered.results:
        signature = result.model_spec.signature_name
        values = [regression.value for regression in result.regression_result.regressions] or [
            _classes(classification)
            for classification in result.classification_result.classifications
        ]
        for row, value in zip(outputs, values, strict=False):
            row[signature] = value
    first = answered.results[0].model_spec
    version = first.version.value if first.HasField("version") else None
    return first.name, version, "", features, outputs


def _named(asked: Any, answered: Any) -> tuple[str, int | None, str]:
    spec = answered.model_spec
    version = spec.version.value if spec.HasField("version") else None
    return asked.model_spec.name, version, asked.model_spec.signature_name


def _classes(classification: Any) -> dict[str, float]:
    """Returns scores by label; by position for classes without labels."""
    return {
        label.label or str(place): label.score for place, label in enumerate(classification.classes)
    }


def _examples(given: Input) -> Rows:
    check_rows(len(given.example_list.examples) + len(given.example_list_with_context.examples))
    if given.WhichOneof("kind") == "example_list":
        return [features_of(example) for example in given.example_list.examples]
    shared = features_of(given.example_list_with_context.context)
    examples = given.example_list_with_context.examples
    return [shared | features_of(example) for example in examples]


def _feature(feature: Any) -> Any:
    kind = feature.WhichOneof("kind")
    values: Any = getattr(feature, kind).value if kind else ()
    if kind == FLOATS:  # as float32, so that they are written with that precision
        values = np.array(values, np.float32)
    if len(values) == 1:
        return values[0]
    return list(values) if len(values) else None
