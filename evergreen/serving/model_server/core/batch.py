"""One batch: requests of a signature that are run together."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from evergreen.serving.model_server.core import merged
from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.signatures import Signature
from evergreen.serving.model_server.core.tensors import Array

Outputs = dict[str, Array]


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
