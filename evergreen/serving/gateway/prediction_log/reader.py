"""Parses predictions of both APIs into features and outputs of each row, by name."""

from typing import Any, NamedTuple

import numpy as np

from evergreen.serving.gateway.prediction_log import of_grpc, of_rest
from evergreen.serving.gateway.prediction_log.entries import Entry
from evergreen.serving.gateway.prediction_log.of_grpc import Rows

MAX_NUMBERS = 8
"""The most numbers of one output to evaluate, such as the first classes."""
PLACE = "[place of the largest]"
"""The end of the name of a number that is a category, such as the predicted class."""


class Prediction(NamedTuple):
    """A parsed prediction.

    Attributes:
        model: The model's name.
        version: The version that answered; None if the answer does not say.
        signature: The requested signature; empty for the default.
        features: The features of each row, by name. One row for all if inputs have no common first
            dimension, or another than the outputs.
        outputs: The outputs of each row, by name.
    """

    model: str
    version: int | None
    signature: str
    features: Rows
    outputs: Rows


def read(entry: Entry) -> Prediction:
    """Parses request and response.

    Raises:
        ValueError: If they do not have the form of a request and a response.
        google.protobuf.message.DecodeError: If they are not messages.
        EvergreenError: If a tensor has a type that NumPy does not have.
    """
    if entry.api.startswith("REST"):
        model, version, signature, features, outputs = of_rest.read(entry)
    else:
        model, version, signature, features, outputs = of_grpc.read(entry)
    if len(features) != len(outputs):
        features, outputs = [_whole(features)], [_whole(outputs)]
    return Prediction(model, entry.version or version, signature, features, outputs)


def numbers(prediction: Prediction) -> dict[str, float]:
    """Returns the numbers in the first row of an answer, by name.

    Of several numbers, such as probabilities of classes, it also returns the largest and its place.
    """
    found: dict[str, float] = {}
    for name, value in prediction.outputs[0].items() if prediction.outputs else ():
        array = np.asarray(value)
        if array.dtype.kind in "fiu":
            flat = array.ravel()
            prefix = f"{prediction.signature}/{name}" if prediction.signature else name
            first = enumerate(flat[:MAX_NUMBERS].tolist())
            found |= {f"{prefix}[{at}]": float(number) for at, number in first}
            if flat.size > 1:
                found[f"{prefix}[largest]"] = float(flat.max())
                found[f"{prefix}{PLACE}"] = float(flat.argmax())
    return found


def _whole(rows: Rows) -> dict[str, Any]:
    return rows[0] if len(rows) == 1 else {"rows": rows}
