"""The gRPC transport of the client."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc

from evergreen.channels import channel
from evergreen.serving.client import tensors
from evergreen.serving.client.address import Address
from evergreen.serving.client.failures import ServerError
from evergreen.serving.client.signatures import Signatures, Spec, from_map
from evergreen.serving.client.tensors import Tensors
from evergreen.serving.protos import (
    GetModelMetadataRequest,
    ModelSpec,
    PredictionServiceStub,
    PredictRequest,
    SignatureDefMap,
)

R = TypeVar("R")
RETRY = {
    "methodConfig": [
        {
            "name": [{"service": "tensorflow.serving.PredictionService"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
"""gRPC's own retries; it allows at most 5 attempts. The waits are random up to the back-off, so
that clients do not return all at once."""
OPTIONS: list[tuple[str, Any]] = [
    ("grpc.service_config", json.dumps(RETRY)),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


class GrpcTransport:
    """A channel to a server."""

    def __init__(self, address: Address, headers: dict[str, str], ca: Path | None) -> None:
        self._address = address
        self._headers = list(headers.items())
        credentials = None
        if address.tls:
            credentials = grpc.ssl_channel_credentials(ca.read_bytes() if ca else None)
        self._channel = channel(address.host, OPTIONS, credentials)
        self._stub = PredictionServiceStub(self._channel)

    def metadata(self, spec: ModelSpec, timeout: float) -> Signatures:
        """Returns the signatures of a model. Raises ServerError."""
        request = GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        response = self._call(self._stub.GetModelMetadata, request, timeout)
        served = SignatureDefMap()
        response.metadata["signature_def"].Unpack(served)
        return from_map(served)

    def predict(
        self, spec: ModelSpec, outputs: dict[str, Spec], inputs: Tensors, timeout: float
    ) -> Tensors:
        """Returns the outputs by name. Raises ServerError."""
        response = self._call(self._stub.Predict, _request(spec, inputs), timeout)
        return {name: tensors.to_array(response.outputs[name]) for name in outputs}

    def encode(self, spec: ModelSpec, inputs: Tensors) -> bytes:
        """Returns the request for a prediction, serialized."""
        return bytes(_request(spec, inputs).SerializeToString(deterministic=True))

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _call(self, method: Callable[..., R], request: object, timeout: float) -> R:
        try:
            return method(request, timeout=timeout, metadata=self._headers)
        except grpc.RpcError as error:
            raise ServerError(self._address, error.code(), error.details() or "") from error


def _request(spec: ModelSpec, inputs: Tensors) -> PredictRequest:
    request = PredictRequest(model_spec=spec)
    for name, array in inputs.items():
        tensors.fill(request.inputs[name], array)
    return request
