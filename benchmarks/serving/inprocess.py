"""The exported model called in this process: what a server adds its cost to."""

import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import tensorflow as tf

from benchmarks.serving.lean import WARM_UP
from benchmarks.serving.result import Load
from evergreen.serving.client.tensors import Tensors


class InProcess:
    """A SavedModel, loaded."""

    def __init__(self, model: Path) -> None:
        """Loads it.

        Args:
            model: Folder of the version.
        """
        self._model = tf.saved_model.load(str(model))

    def measure(self, signature: str, inputs: Sequence[Tensors], seconds: float, rows: int) -> Load:
        """Calls a signature again and again, from NumPy to NumPy."""
        function = self._model.signatures[signature]
        latencies: list[float] = []
        start = time.perf_counter() + WARM_UP
        for one in cycle(inputs):
            began = time.perf_counter()
            outputs = function(**{name: tf.constant(array) for name, array in one.items()})
            for tensor in outputs.values():
                tensor.numpy()
            now = time.perf_counter()
            if now >= start + seconds:
                return Load.of(latencies, 0, seconds, rows)
            if now >= start:
                latencies.append(now - began)
        raise AssertionError("there is always a next input")
