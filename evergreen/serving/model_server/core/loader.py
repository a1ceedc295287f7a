"""Prepares a version for serving: loads it, warms it up, and gives it a runner."""

import asyncio
import gc
import time
from concurrent.futures import ThreadPoolExecutor

from evergreen.serving.model_server.core.batching import Scheduler
from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.budget import Budget
from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.saved_model import load
from evergreen.serving.model_server.core.servable import Servable, alone
from evergreen.serving.model_server.core.warmup import warm_up
from evergreen.serving.model_server.metrics import MICROSECONDS, Metrics
from evergreen.serving.model_server.options import Options


class Loader:
    """Loads versions on separate threads; loaded versions share the threads that run models."""

    def __init__(
        self,
        options: Options,
        batching: BatchingOptions | None,
        metrics: Metrics,
        budget: Budget,
    ) -> None:
        self._options = options
        self._metrics = metrics
        self._budget = budget
        self._tags = [tag for tag in options.saved_model_tags.split(",") if tag]
        self._turn = asyncio.Semaphore(max(options.num_load_threads, 1))
        self._threads = ThreadPoolExecutor(max(options.num_load_threads, 1), "load")
        self._models = ThreadPoolExecutor(max(options.grpc_max_threads, 1), "model")
        self._batches = Scheduler(batching, metrics) if batching else None

    @property
    def turn(self) -> asyncio.Semaphore:
        """The semaphore that a version holds while it is loaded, which limits concurrent loads."""
        return self._turn

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
