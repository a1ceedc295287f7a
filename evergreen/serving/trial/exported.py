"""The exported model in this process, and the error for models that cannot be served."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from evergreen.errors import EvergreenError
from evergreen.serving.client.tensors import Tensors
from evergreen.texts import shorten

Predict = Callable[[str, Tensors], Tensors]
"""Answers a request: takes the name of a signature and its inputs, returns the outputs."""
MAX_CHARACTERS = 500  # of an error, since TensorFlow repeats whole graphs


class UnservableError(EvergreenError):
    """Raised for a model that cannot be read, loaded or asked. The validator refuses it."""


class InProcess:
    """The exported model in this process."""

    def __init__(self, model: Path) -> None:
        """Loads a SavedModel.

        Raises:
            UnservableError: If it cannot be loaded.
        """
        try:
            self._model = tf.saved_model.load(str(model))
        except Exception as error:  # a broken file makes TensorFlow raise anything
            raise UnservableError(describe(error)) from error

    def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Answers a request.

        Raises:
            UnservableError: If it cannot be answered.
        """
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        try:
            outputs = self._model.signatures[signature](**tensors)
            return {name: tensor.numpy() for name, tensor in outputs.items()}
        except Exception as error:  # the ops of a graph may raise anything
            raise UnservableError(describe(error)) from error


def describe(error: Exception) -> str:
    """Returns the type and the text of an error, shortened."""
    return shorten(f"{type(error).__name__}: {error}", MAX_CHARACTERS)
