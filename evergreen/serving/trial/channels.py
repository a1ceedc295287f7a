"""Asks a served model as clients do: by gRPC, and by REST in both formats."""

from collections.abc import Callable

import grpc
import numpy as np

from evergreen.errors import EvergreenError
from evergreen.serving.client.address import Address
from evergreen.serving.client.failures import ServerError
from evergreen.serving.client.grpc_transport import GrpcTransport
from evergreen.serving.client.rest_transport import RestTransport
from evergreen.serving.client.signatures import Spec
from evergreen.serving.client.tensors import Tensors
from evergreen.serving.protos import ModelSpec
from evergreen.serving.trial.exported import (
    MAX_CHARACTERS,
    ExportedSignature,
    ExportedSignatures,
    UnservableError,
    describe,
)
from evergreen.serving.trial.process import ServerProcess
from evergreen.texts import shorten

EXIT_SECONDS = 60.0  # from the last answer to the exit, with a core dump in between
Code = grpc.StatusCode


class Asking:
    """The clients of one loaded model.

    All methods raise UnservableError if the server answers with an error, too late, or not at all;
    after a request that killed it, or was never answered, for every further request.
    """

    def __init__(
        self,
        process: ServerProcess,
        model_name: str,
        signatures: ExportedSignatures,
        seconds: float,
    ) -> None:
        """Connects on the first request.

        Args:
            process: The server of the model.
            model_name: The served name of the model.
            signatures: The signatures with their outputs.
            seconds: The time for each answer.
        """
        self._process, self._name, self._seconds = process, model_name, seconds
        self._outputs = {name: _outputs(signature) for name, signature in signatures.items()}
        self._fault: UnservableError | None = None
        grpc_, rest = Address("grpc", process.target, False), Address("rest", process.host, False)
        self._grpc, self._rest = GrpcTransport(grpc_, {}, None), RestTransport(rest, {}, None)

    def by_grpc(self, signature: str, inputs: Tensors) -> Tensors:
        """Sends a request by gRPC."""
        return self._ask(self._grpc.predict, signature, inputs)

    def by_rest(self, signature: str, inputs: Tensors) -> Tensors:
        """Sends a request by REST, in the column format."""
        return self._ask(self._rest.predict, signature, inputs)

    def by_rest_rows(self, signature: str, inputs: Tensors) -> Tensors:
        """Sends a request by REST, in the row format."""
        return self._ask(self._rest.predict_rows, signature, inputs)

    def close(self) -> None:
        """Closes the connections."""
        self._grpc.close()
        self._rest.close()

    def _ask(self, predict: Callable[..., Tensors], signature: str, inputs: Tensors) -> Tensors:
        if self._fault:
            raise self._fault
        spec = ModelSpec(name=self._name, signature_name=signature)
        try:
            return predict(spec, self._outputs.get(signature, {}), inputs, self._seconds)
        except ServerError as error:
            self._fault = lost(self._process, error.code, "answer", self._seconds)
            said = f"{error.code.name}: {error.reason}"
            raise self._fault or UnservableError(shorten(said, MAX_CHARACTERS)) from error
        except (EvergreenError, KeyError, TypeError, ValueError) as error:
            raise UnservableError(f"the client cannot read it: {describe(error)}") from error


def lost(
    process: ServerProcess, code: grpc.StatusCode, verb: str, seconds: float
) -> UnservableError | None:
    """Returns the error for a server that has ended or hangs, and ends it; None for others.

    Args:
        process: The server.
        code: The client's status code.
        verb: What the server failed to do.
        seconds: The time that it had.
    """
    if code is Code.DEADLINE_EXCEEDED:
        process.kill()
        what = f"did not {verb} within {seconds:g} s"
    elif code is Code.UNAVAILABLE and (how := process.end(EXIT_SECONDS)):
        what = f"the server {how} and did not {verb}"
    else:
        return None
    return UnservableError(f"{what}; it said: {process.words()}")


def _outputs(signature: ExportedSignature) -> dict[str, Spec]:
    return {
        name: Spec(np.dtype(spec.dtype.as_numpy_dtype), spec.shape)
        for name, spec in signature.outputs.items()
    }
