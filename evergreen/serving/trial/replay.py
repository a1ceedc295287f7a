"""Asks a model recorded requests, and takes its time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np
from pydantic import BaseModel, ConfigDict

from evergreen.serving.client.tensors import Tensors
from evergreen.serving.trial.exported import Predict, UnservableError
from evergreen.serving.trial.recorded import Request

TIMED_REQUESTS = 200


@dataclass(frozen=True)
class Replay:
    """Answers to requests, in their order.

    Attributes:
        answers: One a request, up to the first that got none.
        fault: Why that one got none; empty if all got one.
    """

    answers: list[Tensors] = field(default_factory=list)
    fault: str = ""


class Latency(BaseModel):
    """Percentiles of the time from a request to its answer, in milliseconds."""

    model_config = ConfigDict(frozen=True)

    p50_ms: float
    p95_ms: float
    p99_ms: float


def replay(predict: Predict, requests: Sequence[Request]) -> Replay:
    """Asks all requests, up to the first that gets no answer."""
    answers: list[Tensors] = []
    for number, request in enumerate(requests, start=1):
        try:
            answers.append(predict(request.signature, request.inputs))
        except UnservableError as error:
            return Replay(answers, f"request {number} of {len(requests)}: {error}")
    return Replay(answers)


def measure(predict: Predict, requests: Sequence[Request]) -> Latency:
    """Measures what a client waits, one request after the other; the model is warmed up already.

    Raises:
        UnservableError: If a request gets no answer.
    """
    seconds = []
    for request in islice(cycle(requests), TIMED_REQUESTS):
        start = time.perf_counter()
        predict(request.signature, request.inputs)
        seconds.append(time.perf_counter() - start)
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000, [50, 95, 99]).round(3).tolist()
    return Latency(p50_ms=p50, p95_ms=p95, p99_ms=p99)
