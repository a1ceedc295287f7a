"""The model as it is asked: behind a server, or in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import grpc
import tensorflow as tf

from evergreen.components.serving_validator.asking import Clients
from evergreen.components.serving_validator.server import ServerProcess
from evergreen.components.serving_validator.signatures import Signature
from evergreen.components.serving_validator.unservable import UnservableError
from evergreen.serving.client.failures import ServerError
from evergreen.serving.client.tensors import Tensors

Predict = Callable[[str, Tensors], Tensors]
"""Answers a request: from the name of a signature and its inputs to its outputs."""
MAX_CHARACTERS = 500  # of an error: TensorFlow repeats whole graphs
END_SECONDS = 2.0  # from a broken connection to the end of the process behind it


class Served:
    """The model behind a server; a context manager that leaves none behind.

    The server starts when this is made, so that it gets ready while the caller goes on.

    Attributes:
        name: What serves, for a person.
    """

    def __init__(
        self, model: Path, command: Sequence[str], load_within: float, answer_within: float
    ) -> None:
        """Starts the server.

        Args:
            model: The folder of a SavedModel.
            command: Of a server that takes TensorFlow Serving's flags.
            load_within: Time to load it, in seconds.
            answer_within: Time for each answer, in seconds.
        """
        self.name = command[0] if len(command) == 1 else "the embedded server"
        self._process = ServerProcess(model, command, answer_within)
        self._load_within, self._answer_within = load_within, answer_within
        self._clients: Clients | None = None
        self._fault: UnservableError | None = None

    def wait_until_loaded(self) -> None:
        """Waits until the model can be asked. Raises as `ServerProcess.wait_until_loaded`."""
        self._process.wait_until_loaded(self._load_within)
        self._clients = Clients(self._process.address, self._answer_within)

    def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Answers a request over gRPC.

        Raises:
            UnservableError: If it answers with an error, too late, or not at all.
        """
        return self._ask(lambda clients: clients.by_grpc(signature, inputs))

    def predict_by_rest(self, name: str, signature: Signature, inputs: Tensors) -> Tensors:
        """Answers a request over REST, as `predict`; the signature tells the types of outputs."""
        return self._ask(lambda clients: clients.by_rest(name, signature, inputs))

    @property
    def load_seconds(self) -> float | None:
        """How long the model took to load, in seconds; None until it is."""
        return self._process.load_seconds

    @property
    def memory_mb(self) -> float | None:
        """Peak resident memory of the server, in MiB; None if no model is loaded."""
        return self._process.memory_mb

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._clients:
            self._clients.close()
        self._process.__exit__(*error)

    def _ask(self, ask: Callable[[Clients], Tensors]) -> Tensors:
        if self._fault:
            raise self._fault
        assert self._clients, "wait until it is loaded"
        try:
            return ask(self._clients)
        except grpc.RpcError as error:
            raise self._explain(error.code(), error.details() or "") from error
        except ServerError as error:
            raise self._explain(error.code, str(error)) from error

    def _explain(self, code: grpc.StatusCode, text: str) -> UnservableError:
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            self._process.kill()
            self._fault = UnservableError(f"did not answer within {self._answer_within:g} s")
            return self._fault
        if code is grpc.StatusCode.UNAVAILABLE and self._process.has_ended(END_SECONDS):
            self._fault = UnservableError(self._process.how_it_ended("answer"))
            return self._fault
        return UnservableError(_short(f"{code.name}: {text}"))


class InProcess:
    """The exported model in this process."""

    def __init__(self, model: Path) -> None:
        """Loads a SavedModel.

        Raises:
            UnservableError: If it cannot be loaded.
        """
        try:
            self._model = tf.saved_model.load(str(model))
        except Exception as error:  # whatever a broken file makes TensorFlow raise
            raise _unservable(error) from error

    def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Answers a request, as `Served.predict`."""
        try:
            tensors = {name: tf.constant(values) for name, values in inputs.items()}
            outputs: dict[str, Any] = self._model.signatures[signature](**tensors)
            return {name: tensor.numpy() for name, tensor in outputs.items()}
        except Exception as error:  # whatever the ops of a graph raise
            raise _unservable(error) from error


def _unservable(error: Exception) -> UnservableError:
    return UnservableError(_short(f"{type(error).__name__}: {error}"))


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}..."
