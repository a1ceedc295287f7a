"""Warm-up: replays the requests in a SavedModel before it serves.

The first requests of a signature are slow, and a model that answers NaN must not serve at all: the
recorded requests find out before a client does.
"""

import asyncio
import sys
from collections.abc import Mapping

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from evergreen.serving.model_server.core import answers
from evergreen.serving.model_server.core.budget import Budget
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.servable import Runner, Servable
from evergreen.serving.model_server.core.signatures import Signature
from evergreen.serving.model_server.core.tensors import Array

FILE = "assets.extra/tf_serving_warmup_requests"
UNLIMITED = Budget(sys.maxsize, sys.maxsize)
MAX_RECORDS = 1000
"""`WarmupConsts::kMaxNumRecords` of TensorFlow Serving."""


async def warm_up(servable: Servable, path: str, iterations: int) -> None:
    """Replays the requests of a version that is loaded and not yet available.

    Args:
        servable: The version, whose runner is warmed up.
        path: The folder of the version.
        iterations: The number of repetitions.

    Raises:
        ServingError: If a request fails or is answered with NaN, or the file cannot be read.
    """
    records = await asyncio.to_thread(_read, f"{path}/{FILE}")
    runner = servable.runner
    servable.runner = _checked(runner)
    budget, servable.budget = servable.budget, UNLIMITED  # these requests are trusted
    try:
        for record in records * iterations:
            await _replay(servable, record)
    finally:
        servable.runner, servable.budget = runner, budget


async def _replay(servable: Servable, record: PredictionLog) -> None:
    match record.WhichOneof("log_type"):
        case "predict_log":
            await answers.predict(servable, record.predict_log.request)
        case "classify_log":
            await answers.classify(servable, record.classify_log.request)
        case "regress_log":
            await answers.regress(servable, record.regress_log.request)
        case "multi_inference_log":
            await answers.multi_inference(servable, record.multi_inference_log.request)
        case other:
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {other}"
            )


def _checked(runner: Runner) -> Runner:
    async def run(signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        outputs = await runner(signature, inputs)
        for name, array in outputs.items():
            if np.issubdtype(array.dtype, np.floating) and np.isnan(array).any():
                raise ServingError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"warm-up: output {name} of signature {signature.name} is NaN in "
                    f"{np.isnan(array).sum()} of {array.size} values",
                )
        return outputs

    return run


def _read(file: str) -> list[PredictionLog]:
    if not tf.io.gfile.exists(file):
        return []
    try:
        records = tf.data.TFRecordDataset(file).take(MAX_RECORDS + 1).as_numpy_iterator()
        logs = [PredictionLog.FromString(record) for record in records]
    except (tf.errors.OpError, DecodeError) as error:
        raise ServingError(
            grpc.StatusCode.DATA_LOSS, f"Failed to read warmup data from {file}: {error}"
        ) from error
    if len(logs) > MAX_RECORDS:
        raise invalid(f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}")
    return logs
