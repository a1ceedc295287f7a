"""Asks a server over both of its APIs."""

import socket
from dataclasses import dataclass
from typing import Self

import grpc
import numpy as np
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub

from evergreen.components.serving_validator.signatures import Signature
from evergreen.serving.client import address as addresses
from evergreen.serving.client import signatures as client
from evergreen.serving.client.protos import ModelSpec, PredictionServiceStub, PredictRequest
from evergreen.serving.client.rest_transport import RestTransport
from evergreen.serving.client.tensors import Tensors, fill, to_array

STATUS_SECONDS = 5.0
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True)
class Address:
    """Where a server answers.

    Attributes:
        grpc: As gRPC takes it.
        rest: Host and port.
        model: The name of its one model.
    """

    grpc: str
    rest: str
    model: str = "candidate"


def free_port() -> int:
    """Returns a port that nobody listens on, now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def is_available(address: Address) -> bool:
    """Whether the server has loaded the model."""
    request = GetModelStatusRequest()
    request.model_spec.name = address.model
    with grpc.insecure_channel(address.grpc) as channel:
        try:
            answer = ModelServiceStub(channel).GetModelStatus(request, timeout=STATUS_SECONDS)
        except grpc.RpcError:
            return False
    available = ModelVersionStatus.AVAILABLE
    return any(version.state == available for version in answer.model_version_status)


class Clients:
    """A client of each API."""

    def __init__(self, address: Address, seconds: float) -> None:
        """Connects when it is first asked.

        Args:
            address: Of the server.
            seconds: How long an answer may take.
        """
        self._model, self._seconds = address.model, seconds
        self._channel = grpc.insecure_channel(address.grpc, options=OPTIONS)
        self._stub = PredictionServiceStub(self._channel)
        self._rest = RestTransport(addresses.Address("rest", address.rest, False), {}, None)

    def by_grpc(self, signature: str, inputs: Tensors) -> Tensors:
        """Returns all outputs of a signature. Raises grpc.RpcError."""
        request = PredictRequest(model_spec=self._spec(signature))
        for name, array in inputs.items():
            fill(request.inputs[name], array)
        answer = self._stub.Predict(request, timeout=self._seconds)
        return {name: to_array(proto) for name, proto in answer.outputs.items()}

    def by_rest(self, name: str, signature: Signature, inputs: Tensors) -> Tensors:
        """Returns the outputs that a signature declares. Raises ServerError."""
        outputs = {
            output: client.Spec(np.dtype(spec.dtype.as_numpy_dtype), spec.shape)
            for output, spec in signature.outputs.items()
        }
        return self._rest.predict(self._spec(name), outputs, inputs, self._seconds)

    def close(self) -> None:
        """Closes the connections."""
        self._channel.close()
        self._rest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _spec(self, signature: str) -> ModelSpec:
        return ModelSpec(name=self._model, signature_name=signature)
