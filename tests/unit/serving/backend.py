"""A small server of one model, by gRPC and REST, which notes what it was asked."""

import asyncio
import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from threading import Thread
from typing import Any, Self

import grpc
import numpy as np
import pytest
from aiohttp import web
from google.protobuf import json_format

from evergreen.serving.client import tensors
from evergreen.serving.protos import (
    Example,
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    PredictRequest,
    PredictResponse,
    SignatureDef,
    SignatureDefMap,
    TensorInfo,
    types_pb2,
)

MODEL, VERSION, LABELS, KEY = "taxi", 3, ("serving",), "a-key"
FLOAT, INT, STRING = types_pb2.DT_FLOAT, types_pb2.DT_INT64, types_pb2.DT_STRING
RAW = {"fare": FLOAT, "hour": INT, "payment": STRING}
SIGNATURES = {
    "serving_default": ({"examples": STRING}, {"probabilities": FLOAT}),
    "raw": (RAW, {"probabilities": FLOAT}),
    "explain": ({"examples": STRING}, {"probabilities": FLOAT, "paid_by": STRING, "pair": FLOAT}),
}


def probability(fare: float, hour: int, payment: bytes) -> float:
    """Different for each value, and for each missing one."""
    fare = 3.5 if math.isnan(fare) else fare
    return 1 / (1 + math.exp(-(fare / 7 - hour / 11 + len(payment) / 13)))


class RefusedError(Exception):
    """What the server answers instead of a prediction."""


class Backend:
    """Runs in a thread from `with` on.

    Attributes:
        asked: The inputs of each prediction, as they came.
        calls: How many requests there were, of any kind.
        failures: How many requests are still refused as UNAVAILABLE.
        broken: Whether predictions are refused, and nothing else.
        seconds: How long an answer takes.
        needs_key: Whether the header x-api-key is wanted.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, np.ndarray]] = []
        self.calls = 0
        self.failures = 0
        self.broken = False
        self.seconds = 0.0
        self.needs_key = False
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.grpc, self.rest = self._do(self._start()).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _do(self, work: Any) -> Future:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _start(self) -> tuple[str, str]:
        methods = {
            "Predict": _unary(self._predict, PredictRequest),
            "GetModelMetadata": _unary(self._metadata, GetModelMetadataRequest),
        }
        self._server = grpc.aio.server()
        self._server.add_registered_method_handlers("tensorflow.serving.PredictionService", methods)
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        app = web.Application()
        app.router.add_route("*", "/v1/models/{rest:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"127.0.0.1:{port}", f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._server.stop(0)
        await self._runner.cleanup()

    async def _check(self, headers: Mapping[str, str]) -> None:
        self.calls += 1
        if self.needs_key and headers.get("x-api-key") != KEY:
            raise RefusedError(grpc.StatusCode.UNAUTHENTICATED, 401, "wrong API key")
        if self.failures:
            self.failures -= 1
            raise RefusedError(grpc.StatusCode.UNAVAILABLE, 503, "not now")
        await asyncio.sleep(self.seconds)

    async def _predict(self, request: PredictRequest, context: Any) -> PredictResponse:
        try:
            await self._check(dict(context.invocation_metadata()))
            spec = request.model_spec
            _check_model(spec.name, spec.version.value or None, spec.version_label)
            inputs = {name: tensors.to_array(proto) for name, proto in request.inputs.items()}
            outputs = self._answer(spec.signature_name, inputs)
        except RefusedError as error:
            code, _, message = error.args
            await context.abort(code, message)
        response = PredictResponse(model_spec=spec)
        for name, array in outputs.items():
            tensors.fill(response.outputs[name], array)
        return response

    async def _metadata(
        self, request: GetModelMetadataRequest, context: Any
    ) -> GetModelMetadataResponse:
        try:
            await self._check(dict(context.invocation_metadata()))
            spec = request.model_spec
            _check_model(spec.name, spec.version.value or None, spec.version_label)
        except RefusedError as error:
            await context.abort(error.args[0], error.args[2])
        response = GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(_signature_map())
        return response

    async def _rest(self, request: web.Request) -> web.Response:
        try:
            await self._check({name.lower(): value for name, value in request.headers.items()})
            model, version, label, verb = _parse_path(request.match_info["rest"])
            _check_model(model, version, label)
            if verb == "metadata":
                served = json_format.MessageToDict(_signature_map())
                return web.json_response({"metadata": {"signature_def": served}})
            body = json.loads(await request.read())
            inputs = {name: _from_json(value) for name, value in body["inputs"].items()}
            outputs = self._answer(body["signature_name"], inputs)
        except RefusedError as error:
            return web.json_response({"error": error.args[2]}, status=error.args[1])
        plain = {
            name: [_to_json(value) for value in array.tolist()] for name, array in outputs.items()
        }
        return web.json_response(
            {"outputs": plain if len(plain) > 1 else next(iter(plain.values()))}
        )

    def _answer(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.asked.append(inputs)
        if self.broken:
            raise RefusedError(grpc.StatusCode.UNAVAILABLE, 503, "not now")
        taken, given = SIGNATURES[signature]
        if inputs.keys() != taken.keys():
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, 400, f"inputs {sorted(inputs)}")
        rows = (
            [_from_example(example) for example in inputs["examples"]]
            if "examples" in taken
            else list(zip(*(inputs[name].tolist() for name in RAW), strict=True))
        )
        values = np.array([probability(*row) for row in rows], np.float32)
        outputs = {
            "probabilities": values,
            "paid_by": np.array([row[2] for row in rows], object),
            "pair": np.stack([values, 1 - values], axis=1),
        }
        return {name: outputs[name] for name in given}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend


def _unary(method: Callable, request: type) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        method, request.FromString, lambda response: response.SerializeToString()
    )


def _check_model(name: str, version: int | None, label: str) -> None:
    if name != MODEL or version not in (None, VERSION):
        what = f"Specific({name}, {version})" if version else f"Latest({name})"
        text = f"Servable not found for request: {what}"
        raise RefusedError(grpc.StatusCode.NOT_FOUND, 404, text)
    if label and label not in LABELS:
        text = f"Unrecognized servable version label: {label}"
        raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, 400, text)


def _signature_map() -> SignatureDefMap:
    served = SignatureDefMap()
    for name, (taken, given) in SIGNATURES.items():
        definition = SignatureDef(method_name="tensorflow/serving/predict")
        for tensors_, target in ((taken, definition.inputs), (given, definition.outputs)):
            for key, dtype in tensors_.items():
                info = TensorInfo(name=f"{key}:0", dtype=dtype)
                info.tensor_shape.dim.add(size=-1)
                if key == "pair":
                    info.tensor_shape.dim.add(size=2)
                target[key].CopyFrom(info)
        served.signature_def[name].CopyFrom(definition)
    return served


def _parse_path(path: str) -> tuple[str, int | None, str, str]:
    path, _, verb = path.partition(":")
    model, *rest = path.split("/")
    if rest and rest[-1] == "metadata":
        verb = rest.pop()
    which = dict(zip(rest[::2], rest[1::2], strict=True))
    version = int(which["versions"]) if "versions" in which else None
    return model, version, which.get("labels", ""), verb


def _from_json(value: list[Any]) -> np.ndarray:
    if value and isinstance(value[0], dict):
        return np.array([base64.b64decode(item["b64"]) for item in value], object)
    return np.array(value)


def _to_json(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _from_example(serialized: bytes) -> tuple[float, int, bytes]:
    feature = Example.FromString(serialized).features.feature
    fare, hour, payment = (feature[name] for name in RAW)
    return (
        fare.float_list.value[0] if fare.float_list.value else math.nan,
        hour.int64_list.value[0] if hour.int64_list.value else -1,
        payment.bytes_list.value[0] if payment.bytes_list.value else b"",
    )
