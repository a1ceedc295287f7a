"""Sends rows through a gateway, one request each, and collects the answers."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evergreen.channels import channel as open_channel
from evergreen.monitoring.results import Window
from evergreen.serving.client import Client
from evergreen.serving.client.tensors import to_array
from evergreen.serving.protos import PredictResponse

PREDICT = "/tensorflow.serving.PredictionService/Predict"
REQUEST_ID = "x-request-id"
SECONDS = 60.0


@dataclass(frozen=True)
class Answers:
    """Answers to requests.

    Attributes:
        window: From the first request to the last answer.
        ids: The ids of the requests, [n].
        scores: Probabilities of label 1 or values, [n], or probabilities of classes, [n, k].
        versions: The versions that answered, [n].
    """

    window: Window
    ids: list[str]
    scores: NDArray[np.float64]
    versions: NDArray[np.int64]


def send(target: str, model: str, rows: pa.Table, ids: list[str], in_flight: int) -> Answers:
    """Sends a request for each row.

    Args:
        target: The gateway, host and port.
        model: The model's name.
        rows: Raw rows.
        ids: The ids of the requests, for joining labels.
        in_flight: The number of concurrent requests.

    Raises:
        grpc.RpcError: If a request is not answered.
    """
    started = datetime.now(UTC)
    with Client(target, model=model) as client, open_channel(target) as channel:
        tensors = client.inputs(rows)
        call = channel.unary_unary(PREDICT, None, PredictResponse.FromString)
        waiting: deque[Any] = deque()
        found: list[tuple[NDArray[np.float64], int]] = []
        for at, request_id in enumerate(ids):
            request = client.encode({name: array[at : at + 1] for name, array in tensors.items()})
            metadata = ((REQUEST_ID, request_id),)
            waiting.append(call.future(request, timeout=SECONDS, metadata=metadata))
            if len(waiting) >= in_flight:
                found.append(_answer(waiting.popleft().result()))
        found += [_answer(pending.result()) for pending in waiting]
    scores, versions = zip(*found, strict=True)
    window = Window(start=started, end=datetime.now(UTC))
    numbers = np.stack(scores)
    is_one = numbers.shape[1] == 1
    return Answers(window, ids, numbers[:, 0] if is_one else numbers, np.array(versions))


def _answer(response: PredictResponse) -> tuple[NDArray[np.float64], int]:
    """Returns the numbers of the only row, and the version."""
    [output] = response.outputs.values()
    return to_array(output).astype(np.float64).ravel(), int(response.model_spec.version.value)
