"""Prepares a version for serving: loads it, warms it up, and gives it a runner."""

import asyncio
import gc
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import InitVar, dataclass

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from evergreen.serving.model_server.core import answers
from evergreen.serving.model_server.core.batching import Scheduler
from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.budget import Budget
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.saved_model import load
from evergreen.serving.model_server.core.servable import Runner, Servable, alone
from evergreen.serving.model_server.core.signatures import Signature
from evergreen.serving.model_server.core.tensors import Array
from evergreen.serving.model_server.metrics import MICROSECONDS, Metrics
from evergreen.serving.model_server.options import Options

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


@dataclass(eq=False)
class Loader:
    """Loads versions on separate threads; loaded versions share the threads that run models.

    Attributes:
        turn: Held by a version while it is loaded, which limits concurrent loads.
    """

    _options: Options
    batching: InitVar[BatchingOptions | None]
    _metrics: Metrics
    _budget: Budget

    def __post_init__(self, batching: BatchingOptions | None) -> None:
        self._tags = [tag for tag in self._options.saved_model_tags.split(",") if tag]
        self.turn = asyncio.Semaphore(max(self._options.num_load_threads, 1))
        self._threads = ThreadPoolExecutor(max(self._options.num_load_threads, 1), "load")
        self._models = ThreadPoolExecutor(max(self._options.grpc_max_threads, 1), "model")
        self._batches = Scheduler(batching, self._metrics) if batching else None

    async def load(self, name: str, version: int, path: str) -> Servable:
        """Loads a version and replays its warm-up requests.

        Raises:
            ServingError: If it cannot be loaded, or its warm-up fails.
        """
        start, status = time.perf_counter(), "fail"
        try:
            servable = await self._load(name, version, path)
            status = "success"
        finally:
            self._metrics.load_attempts.add(path, status)
        spent = (time.perf_counter() - start) * MICROSECONDS
        self._metrics.load_latency.labels(path).observe(spent)
        return servable

    async def unload(self, servable: Servable) -> None:
        """Frees the memory of a version that is no longer in use."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, servable.close)
        await loop.run_in_executor(self._threads, gc.collect)

    def close(self) -> None:
        """Ends the threads without waiting for their work."""
        for pool in (self._threads, self._models):
            pool.shutdown(wait=False, cancel_futures=True)
        if self._batches:
            self._batches.close()

    async def _load(self, name: str, version: int, path: str) -> Servable:
        loop = asyncio.get_running_loop()
        loaded = await loop.run_in_executor(
            self._threads, load, path, self._tags, self._options.parallelism
        )
        servable = Servable(name, version, loaded, alone(self._models), self._metrics, self._budget)
        if self._options.enable_model_warmup:
            try:
                await warm_up(servable, path, self._options.num_request_iterations_for_warmup)
            except ServingError:
                servable.close()
                raise
        if self._batches:
            servable.runner = self._batches.runner(name)
        return servable
