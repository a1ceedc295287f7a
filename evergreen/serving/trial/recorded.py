"""Recorded requests, in the format of TensorFlow Serving's warm-up."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tfx.utils import path_utils

from evergreen.runs.reports.serving import Latency
from evergreen.serving.client.columns import MISSING
from evergreen.serving.client.tensors import Array, Tensors
from evergreen.serving.trial.exported import (
    ExportedSignature,
    ExportedTensor,
    Predict,
    UnservableError,
)

TIMED_REQUESTS = 200


@dataclass(frozen=True)
class Request:
    """A client's request: a signature and its inputs by name."""

    signature: str
    inputs: Tensors


def record(
    rows: Sequence[tf.train.Example],
    name: str,
    signature: ExportedSignature,
    features: set[str],
    batch_sizes: Iterable[int],
) -> list[Request]:
    """Makes requests to a signature with all rows, once for each batch size.

    Args:
        rows: Rows with only the features of a request.
        name: The signature's name.
        signature: A single string input that is not a feature takes serialized `tf.Example`s; other
            inputs are features, with one value per row, or `MISSING`.
        features: The features that a request may have.
        batch_sizes: The numbers of rows per request.

    Raises:
        UnservableError: If the signature needs inputs that requests do not have.
    """
    inputs = _inputs(rows, signature, features)
    return [
        Request(name, {key: values[start : start + size] for key, values in inputs.items()})
        for size in batch_sizes
        for start in range(0, len(rows), size)
    ]


def write_requests(model: Path, requests: Iterable[Request], model_name: str) -> None:
    """Adds requests to a SavedModel, which TensorFlow Serving replays before serving it."""
    file = path_utils.warmup_file_path(str(model))
    tf.io.gfile.makedirs(str(Path(file).parent))
    with tf.io.TFRecordWriter(file) as writer:
        for request in requests:
            writer.write(_to_log(request, model_name).SerializeToString(deterministic=True))


def read_requests(model: Path) -> Iterator[Request]:
    """Yields the requests in a SavedModel."""
    file = path_utils.warmup_file_path(str(model))
    for record_ in tf.data.TFRecordDataset(file).as_numpy_iterator():
        request = PredictionLog.FromString(record_).predict_log.request
        inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        yield Request(request.model_spec.signature_name, inputs)


def _inputs(
    rows: Sequence[tf.train.Example], signature: ExportedSignature, features: set[str]
) -> Tensors:
    if _takes_examples(signature, features):
        serialized = [row.SerializeToString(deterministic=True) for row in rows]
        return {name: np.array(serialized, object) for name in signature.inputs}
    unknown = sorted(signature.inputs.keys() - features)
    if unknown:
        raise UnservableError(f"inputs {', '.join(unknown)} are no features of a request")
    return {name: _column(rows, name, spec) for name, spec in signature.inputs.items()}


def _takes_examples(signature: ExportedSignature, features: set[str]) -> bool:
    names = list(signature.inputs)
    strings = [signature.inputs[name].dtype == tf.string for name in names]
    return strings == [True] and names[0] not in features


def _column(rows: Sequence[tf.train.Example], name: str, spec: ExportedTensor) -> Array:
    """Returns the values of a feature: [n], or [n, 1] if the spec says so."""
    dtype = np.dtype(spec.dtype.as_numpy_dtype)
    if dtype.kind not in MISSING or spec.shape is None:
        raise UnservableError(f"input {name} is {spec}: of a type or shape that no feature has")
    values = [_first(row, name, MISSING[dtype.kind]) for row in rows]
    try:
        column = np.array(values, dtype)
    except (TypeError, ValueError) as error:
        raise UnservableError(f"input {name} is {spec}, and its values are not: {error}") from error
    return column.reshape(len(rows), *[1] * (len(spec.shape) - 1))


def _first(row: tf.train.Example, name: str, missing: bytes | float) -> bytes | float:
    feature = row.features.feature
    kind = feature[name].WhichOneof("kind") if name in feature else None
    values = getattr(feature[name], kind).value if kind else ()
    return values[0] if values else missing


def _to_log(request: Request, model_name: str) -> PredictionLog:
    log = PredictionLog()
    target = log.predict_log.request
    target.model_spec.name = model_name
    target.model_spec.signature_name = request.signature
    for name, values in request.inputs.items():
        target.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return log


@dataclass(frozen=True)
class Replay:
    """Answers to requests, in order.

    Attributes:
        answers: One per request, up to the first without an answer.
        fault: Why that request was not answered; empty if all were.
    """

    answers: list[Tensors] = field(default_factory=list)
    fault: str = ""


def replay(predict: Predict, requests: Sequence[Request]) -> Replay:
    """Sends all requests, up to the first that is not answered."""
    answers: list[Tensors] = []
    for number, request in enumerate(requests, start=1):
        try:
            answers.append(predict(request.signature, request.inputs))
        except UnservableError as error:
            return Replay(answers, f"request {number} of {len(requests)}: {error}")
    return Replay(answers)


def measure(predict: Predict, requests: Sequence[Request]) -> Latency:
    """Measures the latency of requests sent one after another; the model must be warm.

    Raises:
        UnservableError: If a request is not answered.
    """
    seconds = []
    for request in islice(cycle(requests), TIMED_REQUESTS):
        start = time.perf_counter()
        predict(request.signature, request.inputs)
        seconds.append(time.perf_counter() - start)
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000, [50, 95, 99]).round(3).tolist()
    return Latency(p50_ms=p50, p95_ms=p95, p99_ms=p99)
