"""What the validator asks: a model behind some boundary, or in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from evergreen.components.serving_validator import worker
from evergreen.errors import EvergreenError

Array = NDArray[Any]
Tensors = dict[str, Array]
"""Tensors by name; strings are bytes, of dtype object."""
Predict = Callable[[str, Tensors], Tensors]
"""Answers a request: from the name of a signature and its inputs to its outputs."""


class UnservableError(EvergreenError):
    """The model's own fault: it cannot be read, loaded or asked. The validator refuses it."""


class ServedModel(Protocol):
    """A model that is served in another process, here or behind a network.

    Attributes:
        load_seconds: How long it took to load, in seconds; None until it is.
    """

    load_seconds: float | None

    def wait_until_loaded(self) -> None:
        """Waits until the model can be asked.

        Raises:
            EvergreenError: If there is no process, for reasons that are not the model's.
            UnservableError: If the model cannot be loaded, kills the process, or takes too long.
        """

    def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Answers a request.

        Raises:
            UnservableError: If it answers with an error, too late, or not at all.
        """

    @property
    def memory_mb(self) -> float | None:
        """Peak resident memory of the process that serves, in MiB; None if none is loaded."""


class InProcess:
    """The exported model in this process."""

    def __init__(self, model: Path) -> None:
        """Loads a SavedModel.

        Raises:
            UnservableError: If it cannot be loaded.
        """
        try:
            self._model = worker.load(str(model))
        except Exception as error:  # whatever a broken file makes TensorFlow raise
            raise UnservableError(worker.describe(error)) from error

    def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Answers a request, as `ServedModel.predict`."""
        try:
            return worker.answer(self._model, signature, inputs)
        except Exception as error:  # whatever the ops of a graph raise
            raise UnservableError(worker.describe(error)) from error
