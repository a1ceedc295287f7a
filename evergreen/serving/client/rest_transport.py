"""The REST transport of the client."""

import base64
import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import urllib3
from google.protobuf import json_format

from evergreen.serving.client.address import Address
from evergreen.serving.client.failures import OF_HTTP, ServerError
from evergreen.serving.client.signatures import Signatures, Spec, from_map
from evergreen.serving.client.tensors import Array, Tensors
from evergreen.serving.protos import ModelSpec, SignatureDefMap

RETRY = urllib3.Retry(
    total=4,
    read=False,
    redirect=False,
    allowed_methods=None,
    status_forcelist=[503],
    backoff_factor=0.1,
    backoff_max=1,
    backoff_jitter=0.1,
    raise_on_status=False,
)
"""The same retries as by gRPC: on failed connections and on 503, REST's UNAVAILABLE."""
ERROR = 400


def path(spec: ModelSpec) -> str:
    """Returns the path of a model."""
    base = f"/v1/models/{spec.name}"
    if spec.version_label:
        return f"{base}/labels/{spec.version_label}"
    return f"{base}/versions/{spec.version.value}" if spec.HasField("version") else base


class RestTransport:
    """Connections to a server, kept open."""

    def __init__(self, address: Address, headers: dict[str, str], ca: Path | None) -> None:
        self._address = address
        self._headers = headers | {"content-type": "application/json"}
        self._pool = urllib3.PoolManager(retries=RETRY, ca_certs=str(ca) if ca else None)

    def metadata(self, spec: ModelSpec, timeout: float) -> Signatures:
        """Returns the signatures of a model. Raises ServerError."""
        answer = self._call("GET", f"{path(spec)}/metadata", None, timeout)
        served = answer["metadata"]["signature_def"]
        served.pop("@type", None)
        return from_map(
            json_format.ParseDict(served, SignatureDefMap(), ignore_unknown_fields=True)
        )

    def predict(
        self, spec: ModelSpec, outputs: dict[str, Spec], inputs: Tensors, timeout: float
    ) -> Tensors:
        """Returns the outputs by name, in the column format. Raises ServerError."""
        answer = self._call("POST", f"{path(spec)}:predict", self.encode(spec, inputs), timeout)
        values = answer["outputs"]
        if len(outputs) == 1:  # the answer then has no name
            values = dict.fromkeys(outputs, values)
        return {name: _array(values[name], spec) for name, spec in outputs.items()}

    def predict_rows(
        self, spec: ModelSpec, outputs: dict[str, Spec], inputs: Tensors, timeout: float
    ) -> Tensors:
        """Predicts in the row format, for inputs and outputs that all have one value per row."""
        columns = [_to_json(array.tolist()) for array in inputs.values()]
        rows = [dict(zip(inputs, row, strict=True)) for row in zip(*columns, strict=True)]
        body = json.dumps({"signature_name": spec.signature_name, "instances": rows}).encode()
        answers = self._call("POST", f"{path(spec)}:predict", body, timeout)["predictions"]
        if len(outputs) == 1:  # the answer then has no name
            answers = [dict.fromkeys(outputs, answer) for answer in answers]
        return {
            name: _array([answer[name] for answer in answers], spec)
            for name, spec in outputs.items()
        }

    def encode(self, spec: ModelSpec, inputs: Tensors) -> bytes:
        """Returns the body of a prediction request, in the column format."""
        body = {
            "signature_name": spec.signature_name,
            "inputs": {name: _to_json(array.tolist()) for name, array in inputs.items()},
        }
        return json.dumps(body).encode()

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def _call(self, method: str, url: str, body: bytes | None, timeout: float) -> Any:
        try:
            response = self._pool.request(
                method,
                f"{self._address}{url}",
                body=body,
                headers=self._headers,
                timeout=urllib3.Timeout(total=timeout),
            )
        except urllib3.exceptions.HTTPError as error:
            raise ServerError(self._address, _code(error), _reason(error)) from error
        if response.status < ERROR:
            return json.loads(response.data)
        code = OF_HTTP.get(response.status, grpc.StatusCode.UNKNOWN)
        raise ServerError(self._address, code, _message(response.data))


def _code(error: urllib3.exceptions.HTTPError) -> grpc.StatusCode:
    late = isinstance(error, urllib3.exceptions.ReadTimeoutError)
    return grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.UNAVAILABLE


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    return str(cause)


def _message(data: bytes) -> str:
    """Returns the text of an error; the whole body if it comes from something in between."""
    try:
        return str(json.loads(data)["error"])
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace").strip() or "no reason given"


def _to_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _array(value: Any, spec: Spec) -> Array:
    return np.array(_bytes(value) if spec.dtype.hasobject else value, spec.dtype)


def _bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_bytes(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else str(value).encode()
