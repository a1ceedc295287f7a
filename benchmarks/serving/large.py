"""A model that works longer for a row than a server does: what batching is for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.serving.servers import Server, free_port, model_server
from evergreen.serving.client.tensors import fill
from evergreen.serving.protos import ModelSpec, PredictRequest

NAME = "large"
WIDTH, LAYERS = 2048, 4
"""64 MiB of weights, which have to come from memory once for each call, however many its rows."""
FOLDER = f"large-{WIDTH}x{LAYERS}"
INPUTS = 32


class Large(tf.Module):
    """A dense network."""

    def __init__(self) -> None:
        random = tf.random.Generator.from_seed(7)
        shape, scale = (WIDTH, WIDTH), WIDTH**-0.5
        self.layers = [tf.Variable(random.normal(shape) * scale) for _ in range(LAYERS)]

    @tf.function(input_signature=[tf.TensorSpec([None, WIDTH], tf.float32, "x")])
    def predict(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """One number a row."""
        for weights in self.layers:
            x = tf.nn.relu(x @ weights)
        return {"y": tf.reduce_sum(x, axis=1)}


def save(folder: Path) -> Path:
    """Saves it as version 1, unless it is there; returns the folder of the versions."""
    if not (folder / "1/saved_model.pb").is_file():
        model = Large()
        tf.saved_model.save(model, str(folder / "1"), signatures={"serving_default": model.predict})
    return folder


def payloads() -> list[bytes]:
    """Requests of one row, serialized."""
    rows = np.random.default_rng(7).normal(size=(INPUTS, 1, WIDTH)).astype(np.float32)
    found = []
    for row in rows:
        request = PredictRequest(model_spec=ModelSpec(name=NAME))
        fill(request.inputs["x"], row)
        found.append(request.SerializeToString())
    return found


@contextmanager
def serving(python: str, versions: Path, log: Path, *flags: str) -> Iterator[Server]:
    """Runs the model server on it."""
    own = [f"--model_name={NAME}", f"--model_base_path={versions}"]
    ports = [f"--port={free_port()}", f"--rest_api_port={free_port()}"]
    command = [python, "-m", "evergreen.serving.model_server", *own, *ports, *flags]
    with model_server(command, log, NAME) as server:
        yield server
