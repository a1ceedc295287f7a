"""Replays recorded requests on a model, and measures its latency."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from evergreen.runs.reports.serving import Latency
from evergreen.serving.client.tensors import Tensors
from evergreen.serving.trial.exported import Predict, UnservableError
from evergreen.serving.trial.recorded import Request

TIMED_REQUESTS = 200


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
