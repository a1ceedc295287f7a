"""Handles requests by their paths: states, signatures and predictions of models."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar
from urllib.parse import unquote

import grpc
from aiohttp import web
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from evergreen.serving.model_server.core import answers, budget, inference
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.core.servable import DEFAULT_SIGNATURE
from evergreen.serving.model_server.core.versions import MAX_VERSION
from evergreen.serving.model_server.rest import examples, json_answers, json_tensors
from evergreen.serving.model_server.rest.errors import JSON
from evergreen.serving.model_server.rest.parsing import parse

MODEL = r"(?P<name>[^/:]+)"
VERSION = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
GET = re.compile(rf"/v1/models(?:/{MODEL})?{VERSION}(?P<metadata>/metadata)?", re.IGNORECASE)
POST = re.compile(rf"/v1/models/{MODEL}{VERSION}:(?P<verb>classify|regress|predict)", re.IGNORECASE)
"""As in TensorFlow Serving's http_rest_api_util.cc: the path is matched as sent."""

LARGE = 2**20
"""The bytes of a body that takes long enough to parse to delay others."""
P = ParamSpec("P")
R = TypeVar("R")


class Rest:
    """Answers requests on models.

    Args:
        manager: The models.
        timeout_ms: The longest time for an answer; unlimited if 0 or less.
    """

    def __init__(self, manager: Manager, timeout_ms: int) -> None:
        self._manager = manager
        self._seconds = timeout_ms / 1000 if timeout_ms > 0 else None

    async def answer(self, request: web.Request) -> web.Response:
        """Answers GET with states of versions or signatures, POST with predictions.

        Raises:
            ServingError: If the path is invalid, the model does not exist, the body does not fit
                the signature, the model fails, or it takes too long (DEADLINE_EXCEEDED).
        """
        match request.method:
            case "GET":
                return self._get(request)
            case "POST":
                return await self._post(request)
            case _:
                raise _malformed(request)

    def _get(self, request: web.Request) -> web.Response:
        match = GET.fullmatch(request.rel_url.raw_path)
        if match is None:
            raise _malformed(request)
        if match["name"] is None:
            raise invalid("Missing model name in request.")
        spec = _spec(match)
        if match["metadata"]:
            wanted = GetModelMetadataRequest(model_spec=spec, metadata_field=[answers.SIGNATURES])
            return _response(json_answers.metadata(inference.metadata(self._manager, wanted)))
        status = GetModelStatusRequest(model_spec=spec)
        return _response(json_answers.status(inference.model_status(self._manager, status)))

    async def _post(self, request: web.Request) -> web.Response:
        match = POST.fullmatch(request.rel_url.raw_path)
        verbs = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
        if match is None or match["verb"] not in verbs:
            raise _malformed(request)
        spec = _spec(match)
        with self._manager.budget.share(budget.MAX_JSON) as take:
            body = await _read(request, take)
            with self._manager.measure(spec.name, match["verb"].capitalize(), "REST"):
                take(budget.values(body))
                return _response(await self._in_time(verbs[match["verb"]](spec, body)))

    async def _in_time(self, work: Awaitable[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                return await work
        except TimeoutError as error:
            raise ServingError(
                grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out waiting for notification"
            ) from error

    async def _predict(self, spec: ModelSpec, body: bytes) -> bytes:
        document = await _aside(body, parse, body)
        signature = json_tensors.signature_name(document)
        with self._manager.use(spec) as servable:
            name = signature or DEFAULT_SIGNATURE
            if name not in servable.signatures:
                raise invalid(f'Serving signature name: "{name}" not found in signature def')
            infos = servable.signatures[name].inputs
            if not infos:
                raise invalid(f"Failed to get input map for signature: {signature or 'DEFAULT'}")
            inputs, is_rows = await _aside(body, json_tensors.read, document, infos)
            outputs = await servable.run(name, inputs)
        return json_answers.predictions(outputs, is_rows)

    async def _classify(self, spec: ModelSpec, body: bytes) -> bytes:
        request = ClassificationRequest(model_spec=spec)
        await _aside(body, _fill, body, request)
        response = await inference.classify(self._manager, request)
        return json_answers.classifications(response.result)

    async def _regress(self, spec: ModelSpec, body: bytes) -> bytes:
        request = RegressionRequest(model_spec=spec)
        await _aside(body, _fill, body, request)
        response = await inference.regress(self._manager, request)
        return json_answers.regressions(response.result)


async def _read(request: web.Request, take: Callable[[int], None]) -> bytes:
    """Reads a body within its memory budget, as sent and unpacked."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        take(len(chunk))
        body += chunk
        if len(body) > request.client_max_size:
            raise web.HTTPRequestEntityTooLarge(request.client_max_size, len(body))
    return bytes(body)


async def _aside(body: bytes, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls a function; for a large body on a thread, so that others are answered meanwhile."""
    if len(body) < LARGE:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


def _fill(body: bytes, request: ClassificationRequest | RegressionRequest) -> None:
    examples.fill(parse(body), request)


def _malformed(request: web.Request) -> ServingError:
    return invalid(f"Malformed request: {request.method} {request.rel_url.raw_path}")


def _spec(match: re.Match[str]) -> ModelSpec:
    spec = ModelSpec(name=_decode(match["name"], "model name"))
    if digits := match["version"]:
        if len(digits.lstrip("0")) > len(str(MAX_VERSION)) or int(digits) > MAX_VERSION:
            raise invalid(f"Failed to convert version: {digits} to numeric.")
        spec.version.value = int(digits)
    elif match["label"]:
        spec.version_label = _decode(match["label"], "model version label")
    return spec


def _decode(text: str, what: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
        decoded.encode()  # bytes that are not text come as surrogates
        return decoded
    except UnicodeError as error:
        raise invalid(f"Failed to decode {what}:{text}") from error


def _response(body: bytes) -> web.Response:
    return web.Response(body=body, content_type=JSON)
