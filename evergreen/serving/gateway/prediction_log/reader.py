"""Reads predictions of both APIs: features and outputs of each row, by name."""

from typing import Any, NamedTuple

import numpy as np

from evergreen.serving.gateway.prediction_log import of_grpc, of_rest
from evergreen.serving.gateway.prediction_log.entries import Entry
from evergreen.serving.gateway.prediction_log.of_grpc import Rows

MAX_NUMBERS = 8
"""Numbers of one output that are looked at, such as the first classes."""


class Prediction(NamedTuple):
    """A prediction, read.

    Attributes:
        model: Its name.
        version: Who answered; None if the answer does not tell.
        signature: As the request says; empty for the default.
        features: Of each row, by name. One row for all if inputs have no common first dimension,
            or not that of the outputs.
        outputs: Of each row, by name.
    """

    model: str
    version: int | None
    signature: str
    features: Rows
    outputs: Rows


def read(entry: Entry) -> Prediction:
    """Reads request and response.

    Raises:
        ValueError: If they are not what such requests and responses are.
        google.protobuf.message.DecodeError: If they are no messages.
        EvergreenError: If tensors are of a type that NumPy has not.
    """
    if entry.api.startswith("REST"):
        model, version, signature, features, outputs = of_rest.read(entry)
    else:
        model, version, signature, features, outputs = of_grpc.read(entry)
    if len(features) != len(outputs):
        features, outputs = [_whole(features)], [_whole(outputs)]
    return Prediction(model, entry.version or version, signature, features, outputs)


def numbers(prediction: Prediction) -> dict[str, float]:
    """Returns the numbers that the first row of an answer holds, by names of their own."""
    found: dict[str, float] = {}
    for name, value in prediction.outputs[0].items() if prediction.outputs else ():
        array = np.asarray(value)
        if array.dtype.kind in "fiu":
            flat = array.ravel()[:MAX_NUMBERS].tolist()
            prefix = f"{prediction.signature}/{name}" if prediction.signature else name
            found |= {f"{prefix}[{at}]": float(number) for at, number in enumerate(flat)}
    return found


def _whole(rows: Rows) -> dict[str, Any]:
    return rows[0] if len(rows) == 1 else {"rows": rows}
