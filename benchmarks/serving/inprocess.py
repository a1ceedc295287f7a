"""The exported model called in this process: what a server adds its cost to."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from benchmarks.serving.lean import one_by_one
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

        def call(inputs: Tensors) -> None:
            outputs = function(**{name: tf.constant(array) for name, array in inputs.items()})
            for tensor in outputs.values():
                tensor.numpy()

        return one_by_one(call, inputs, seconds, rows)
