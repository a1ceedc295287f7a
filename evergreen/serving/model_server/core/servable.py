"""One loaded version of a model."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import InitVar, dataclass

import grpc
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from evergreen.serving.model_server.core.budget import Budget
from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.saved_model import Loaded
from evergreen.serving.model_server.core.signatures import Signature
from evergreen.serving.model_server.core.tensors import Array
from evergreen.serving.model_server.metrics import MICROSECONDS, Metrics

DEFAULT_SIGNATURE = "serving_default"
Runner = Callable[[Signature, Mapping[str, Array]], Awaitable[dict[str, Array]]]
"""Runs a signature on complete, checked inputs: alone, or in a batch."""


@dataclass(eq=False)
class Servable:
    """One loaded version, with all of its signatures.

    Attributes:
        name: The model's name.
        version: The number of the version.
        signatures: As in the SavedModel's MetaGraphDef: names, types and shapes.
        budget: The memory budget of its requests.
        runner: Runs its signatures.
    """

    name: str
    version: int
    _loaded: Loaded
    runner: Runner
    metrics: InitVar[Metrics]
    budget: Budget

    def __post_init__(self, metrics: Metrics) -> None:
        self.signatures: Mapping[str, SignatureDef] = self._loaded.definitions
        self._latency = metrics.runtime_latency.labels(self.name, "TF1")

    def find(self, signature: str) -> Signature:
        """Returns a signature by name, "serving_default" if empty.

        Raises:
            ServingError: If there is none (FAILED_PRECONDITION).
        """
        name = signature or DEFAULT_SIGNATURE
        found = self._loaded.signatures.get(name)
        if found is None:
            raise ServingError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        return found

    def close(self) -> None:
        """Frees its resources; it cannot answer any more."""
        self._loaded.session.close()

    async def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str] = ()
    ) -> dict[str, Array]:
        """Answers a request, in a batch with others if batching is enabled.

        Args:
            signature: Its name; "serving_default" if empty.
            inputs: Arrays by the signature's input names; strings as object arrays of bytes.
            outputs: The requested outputs; all if empty.

        Returns:
            Arrays by output names; strings as object arrays of bytes.

        Raises:
            ServingError: If names or types do not fit the signature (INVALID_ARGUMENT),
                there is no such signature (FAILED_PRECONDITION), the queue is full (UNAVAILABLE),
                or the model fails (the code of TensorFlow's error).
        """
        found = self.find(signature)
        complete, selected = found.complete(inputs), found.select(outputs)
        start = time.perf_counter()
        results = await self.runner(found, complete)
        self._latency.observe((time.perf_counter() - start) * MICROSECONDS)
        return {name: results[name] for name in selected}


def alone(pool: Executor) -> Runner:
    """Returns a runner that runs each request separately, on a thread of a pool.

    A request that is cancelled while it waits for a thread is never run.
    """

    async def run(signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return await asyncio.get_running_loop().run_in_executor(pool, signature, inputs)

    return run
