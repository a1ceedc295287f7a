"""Dynamic batching: requests that wait for a thread are run together.

Like TensorFlow Serving's SharedBatchScheduler: one queue of batches per signature, and a few
threads for all queues. A batch is run when it is full, or its first request has waited for the
timeout, and a thread is free. Two things are better here: requests of different shapes do not fail
each other, and neither does a request that the model refuses.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import grpc

from evergreen.serving.model_server.core import merged
from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.servable import Runner
from evergreen.serving.model_server.core.signatures import Signature
from evergreen.serving.model_server.core.tensors import Array
from evergreen.serving.model_server.metrics import MICROSECONDS, Metrics

Outputs = dict[str, Array]
Key = tuple[Signature, tuple[tuple[int, ...], ...]]
"""The key of a queue: a signature, and the shapes of its inputs without the first dimension; only
their ranks if lengths are padded."""


@dataclass
class Task:
    """A waiting request, or a part of one."""

    inputs: Mapping[str, Array]
    rows: int
    answer: asyncio.Future[Outputs]
    since: float = field(default_factory=time.perf_counter)


@dataclass
class Batch:
    """Requests of one signature that will be run together."""

    signature: Signature
    tasks: list[Task] = field(default_factory=list)
    rows: int = 0
    due: bool = False

    def add(self, task: Task) -> None:
        """Adds a request."""
        self.tasks.append(task)
        self.rows += task.rows

    def run(self, options: BatchingOptions) -> list[Outputs | ServingError]:
        """Runs the batch in the calling thread; returns an answer for each request.

        If the batch fails, each request is run separately, so that one that the model refuses, such
        as a broken tf.Example, does not fail the others.
        """
        try:
            return list(self._together(self.tasks, options))
        except ServingError as error:
            if len(self.tasks) == 1:
                return [error]
        return [self._alone(task, options) for task in self.tasks]

    def _together(self, tasks: list[Task], options: BatchingOptions) -> list[Outputs]:
        inputs = merged.merge([task.inputs for task in tasks], options.pad_variable_length_inputs)
        sizes = [task.rows for task in tasks]
        rows = sum(sizes)
        total = merged.affordable(inputs, rows, options.padded(rows)) if rows else 0
        if total > rows:
            inputs = merged.fill(inputs, total)
        return merged.split(self.signature(inputs), sizes, total)

    def _alone(self, task: Task, options: BatchingOptions) -> Outputs | ServingError:
        try:
            return self._together([task], options)[0]
        except ServingError as error:
            return error


class Scheduler:
    """The queues of all models, and the threads they share; used only from the event loop."""

    def __init__(self, options: BatchingOptions, metrics: Metrics) -> None:
        self._options = options
        self._metrics = metrics
        self._queues: dict[Key, deque[Batch]] = {}
        self._free = options.num_batch_threads
        self._pool = ThreadPoolExecutor(options.num_batch_threads, "batch")
        self._queuing = metrics.queuing_latency.labels(options.thread_pool_name)

    def runner(self, model: str) -> Runner:
        """Returns the runner for a model's requests."""
        sizes = self._metrics.batch_size.labels(model)

        async def run(signature: Signature, inputs: Mapping[str, Array]) -> Outputs:
            if not inputs:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, signature, inputs)
            rows, limit = merged.rows(inputs), self._options.max_batch_size
            if rows > limit:
                raise invalid(f"Task size {rows} is larger than maximum input batch size {limit}")
            sizes.observe(rows)
            if rows <= self._options.batch_rows:
                return await self._submit(signature, inputs, rows)
            parts = merged.slices(inputs, self._options.batch_rows)
            waiting = [self._submit(signature, part, merged.rows(part)) for part in parts]
            return merged.join(await asyncio.gather(*waiting))

        return run

    def close(self) -> None:
        """Ends the threads without waiting for their work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _submit(
        self, signature: Signature, inputs: Mapping[str, Array], rows: int
    ) -> Outputs:
        loop = asyncio.get_running_loop()
        task = Task(inputs, rows, loop.create_future())
        queue = self._queue_with_room(self._key(signature, inputs), rows)
        queue[-1].add(task)
        if self._may_run(queue):
            loop.call_soon(self._dispatch)  # later, so that simultaneous requests join
        return await task.answer

    def _key(self, signature: Signature, inputs: Mapping[str, Array]) -> Key:
        if self._options.pad_variable_length_inputs:
            return (signature, tuple((inputs[name].ndim,) for name in signature.inputs))
        return (signature, tuple(inputs[name].shape[1:] for name in signature.inputs))

    def _queue_with_room(self, key: Key, rows: int) -> deque[Batch]:
        """Returns a queue whose last batch, perhaps a new one, has room for that many rows."""
        queue = self._queues.setdefault(key, deque())
        if queue and queue[-1].rows + rows <= self._options.batch_rows:
            return queue
        limit = self._options.max_enqueued_batches
        if len(queue) >= limit:
            raise _full(len(queue), limit)
        queue.append(Batch(key[0]))
        delay = self._options.batch_timeout_micros / MICROSECONDS
        asyncio.get_running_loop().call_later(delay, self._make_due, queue[-1])
        return queue

    def _make_due(self, batch: Batch) -> None:
        batch.due = True
        self._dispatch()

    def _dispatch(self) -> None:
        """Gives runnable batches to free threads."""
        while self._free:
            keys = (key for key, queue in self._queues.items() if self._may_run(queue))
            key = next(keys, None)
            if key is None:
                return
            queue = self._queues.pop(key)
            self._start(queue.popleft())
            if queue:
                self._queues[key] = queue  # last, so that the queues take turns

    def _may_run(self, queue: deque[Batch]) -> bool:
        return len(queue) > 1 or queue[0].due or queue[0].rows >= self._options.batch_rows

    def _start(self, batch: Batch) -> None:
        """Runs the tasks that were not cancelled, for example by a deadline, on a free thread."""
        batch.tasks = [task for task in batch.tasks if not task.answer.done()]
        if not batch.tasks:
            return
        self._free -= 1
        now = time.perf_counter()
        for task in batch.tasks:
            self._queuing.observe((now - task.since) * MICROSECONDS)
        running = asyncio.get_running_loop().run_in_executor(self._pool, batch.run, self._options)
        running.add_done_callback(partial(self._finish, batch))

    def _finish(self, batch: Batch, done: asyncio.Future[list[Outputs | ServingError]]) -> None:
        self._free += 1
        error = done.exception()
        answers = [error] * len(batch.tasks) if error else done.result()
        for task, answer in zip(batch.tasks, answers, strict=True):
            if task.answer.done():
                continue
            if isinstance(answer, BaseException):
                task.answer.set_exception(answer)
            else:
                task.answer.set_result(answer)
        self._dispatch()


def _full(batches: int, limit: int) -> ServingError:
    return ServingError(
        grpc.StatusCode.UNAVAILABLE,
        "The batch scheduling queue to which this task was submitted is full; currently "
        f"{batches} batches enqueued and max_enqueued_batches is {limit}",
    )
