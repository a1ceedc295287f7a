"""The client."""

from pathlib import Path
from typing import Self

from evergreen.serving.client import inputs, signatures
from evergreen.serving.client.address import Address, Protocol
from evergreen.serving.client.columns import Rows
from evergreen.serving.client.grpc_transport import GrpcTransport
from evergreen.serving.client.rest_transport import RestTransport
from evergreen.serving.client.signatures import Signature, Spec
from evergreen.serving.client.tensors import Tensors
from evergreen.serving.protos import ModelSpec

DEFAULT_SIGNATURE = "serving_default"
API_KEY = "x-api-key"
TRANSPORTS: dict[Protocol, type[GrpcTransport] | type[RestTransport]] = {
    "grpc": GrpcTransport,
    "rest": RestTransport,
}


class Client:
    """Sends rows of raw columns to one model of a server that speaks TensorFlow Serving's API.

    It reads the signatures from the model's own metadata, once, so it works for any model. A server
    that cannot be reached, or answers UNAVAILABLE, is asked up to 5 times, with growing waits; no
    other request is repeated. Threads may share a client.

    Attributes:
        address: The server's address.
        headers: The headers of each request.

    Example:
        with Client("127.0.0.1:8500", model="taxi") as client:
            client.predict([{"fare": 12.5, "trip_miles": 3.1, ...}])["probabilities"]
    """

    def __init__(
        self,
        target: str = "",
        protocol: Protocol = "grpc",
        *,
        model: str,
        timeout: float = 10.0,
        api_key: str = "",
        ca: Path | None = None,
    ) -> None:
        """Connects on the first request.

        Args:
            target: `host:port`, or a URL, which includes the protocol: `grpc://`, `http://`, or
                with TLS `grpcs://`, `https://`. This machine's default port if empty.
            protocol: The API if the target is not a URL.
            model: The model's name.
            timeout: The seconds of a request: with its repetitions by gRPC, without by REST.
            api_key: The value of the header `x-api-key`; not sent if empty.
            ca: A PEM file of the trusted authorities, instead of the system's.

        Raises:
            EvergreenError: If the target is not an address.
        """
        self.address = Address.parse(target, protocol)
        self.headers = {API_KEY: api_key} if api_key else {}
        self._transport = TRANSPORTS[self.address.protocol](self.address, self.headers, ca)
        self._model = model
        self._timeout = timeout
        self._known: dict[tuple[int | None, str | None], dict[str, Signature]] = {}

    def predict(
        self,
        rows: Rows,
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
    ) -> Tensors:
        """Predicts.

        Args:
            rows: Dicts of raw columns, or a table. Every column of the signature must exist, but
                values may be missing (None or NaN); other columns are ignored. For a signature that
                takes `tf.Example`s, these are built here.
            signature: The signature's name.
            version: A version; the server's choice if None.
            label: A label, instead of a version.

        Returns:
            Arrays by output, with one row per row; strings are bytes, of dtype object.

        Raises:
            DataError: If a column does not exist, or a value has a wrong type.
            ServerError: If the server cannot be reached, refuses, or takes too long.
        """
        return self.ask(self.inputs(rows, signature, version, label), signature, version, label)

    def ask(
        self,
        tensors: Tensors,
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
    ) -> Tensors:
        """Predicts from the result of `inputs`; other arguments and errors are those of `predict`.

        Raises:
            ServerError: If the server cannot be reached, refuses, or takes too long.
        """
        spec = self.spec(version, label, signature)
        outputs = self.signatures(version, label)[signature].outputs
        return self._transport.predict(spec, outputs, tensors, self._timeout)

    def inputs(
        self,
        rows: Rows,
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
    ) -> Tensors:
        """Returns the signature's inputs that `predict` sends. Arguments and errors are its."""
        return inputs.build(self.signatures(version, label), signature, rows)

    def encode(
        self,
        tensors: Tensors,
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
    ) -> bytes:
        """Returns the serialized request with these inputs."""
        return self._transport.encode(self.spec(version, label, signature), tensors)

    def signatures(
        self, version: int | None = None, label: str | None = None
    ) -> dict[str, Signature]:
        """Returns the signatures of the model. Asks the server once.

        Raises:
            ServerError: If the server cannot be reached, refuses, or takes too long.
        """
        key = (version, label)
        if key not in self._known:
            spec = self.spec(version, label)
            self._known[key] = self._transport.metadata(spec, self._timeout)
        return self._known[key]

    def columns(
        self,
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        label: str | None = None,
    ) -> dict[str, Spec]:
        """Returns the raw columns that a signature takes; empty if the metadata does not name them.

        Raises:
            EvergreenError: If there is no such signature.
            ServerError: If the server cannot be reached, refuses, or takes too long.
        """
        served = self.signatures(version, label)
        inputs.find(served, signature)
        return signatures.columns(served, signature)

    def spec(self, version: int | None, label: str | None, signature: str = "") -> ModelSpec:
        """Returns the message that names the model, its version and its signature."""
        spec = ModelSpec(name=self._model, signature_name=signature)
        if version is not None:
            spec.version.value = version
        elif label:
            spec.version_label = label
        return spec

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
