"""TensorFlow Serving's gRPC API: bytes in, bytes out."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]

from evergreen.errors import EvergreenError
from evergreen.serving.gateway import rewriting
from evergreen.serving.gateway.access import REQUEST_ID, Keys, request_id
from evergreen.serving.gateway.backend import METHODS, STATUS, Backend
from evergreen.serving.gateway.dispatch import Dispatcher, Question
from evergreen.settings.gateway import GatewaySettings

Code = grpc.StatusCode
VERSION = "x-model-version"
"""In the answer: the version that gave it, if the gateway chose it."""
MIB = 2**20
NO_KEY = "The API key is missing or wrong."
MAX_CALLS = 4096
"""Calls at the same time; more are RESOURCE_EXHAUSTED. It bounds memory."""
Trailing = tuple[tuple[str, str], ...]
PREDICTIONS = {"Predict", "Classify", "Regress", "MultiInference"}


class Rewriting(NamedTuple):
    """How a kind of request gets its version."""

    is_open: Callable[[bytes, str], bool]
    with_version: Callable[[bytes, int], bytes]


ONE = Rewriting(rewriting.is_open, rewriting.with_version)
EACH = Rewriting(rewriting.are_open, rewriting.with_versions)


class GrpcFront:
    """Answers gRPC requests.

    Args:
        model: The model whose versions are chosen here; requests for others pass.
        backend: Gets the requests.
        dispatcher: Says where.
        sticky: The name of the metadata by which an A/B test tells clients apart.
        keys: Say who may ask.
        refused: Counts requests without a key.
    """

    def __init__(
        self,
        model: str,
        backend: Backend,
        dispatcher: Dispatcher,
        sticky: str,
        keys: Keys,
        refused: Callable[[], None],
    ) -> None:
        self._model = model
        self._backend = backend
        self._dispatcher = dispatcher
        self._keys = keys
        self._sticky = sticky
        self._refused = refused

    def handlers(self) -> "list[grpc.GenericRpcHandler[bytes, bytes]]":
        """Returns what answers each method: of bytes, which nobody parses on the way."""
        services: dict[str, dict[str, Any]] = {}
        for path in METHODS:
            _, service, name = path.split("/")
            method = partial(self._answer, path, name)
            services.setdefault(service, {})[name] = grpc.unary_unary_rpc_method_handler(method)
        return [
            grpc.method_handlers_generic_handler(service, methods)
            for service, methods in services.items()
        ]

    async def _answer(self, path: str, name: str, data: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata())
        request = request_id(metadata.get(REQUEST_ID))
        trailing: Trailing = ((REQUEST_ID, request),)
        if not self._keys.admit(metadata):
            self._refused()
            await _abort(context, Code.UNAUTHENTICATED, NO_KEY, trailing)
        kind = EACH if name == "MultiInference" else ONE
        question = Question(
            request_id=request,
            api=name,
            body=data,
            is_open=path != STATUS and kind.is_open(data, self._model),
            is_prediction=name in PREDICTIONS,
            key=metadata.get(self._sticky, ""),
        )
        route, answer = await self._dispatcher.answer(
            question, self._sender(path, kind, question, context.time_remaining())
        )
        if route.version is not None:
            trailing = (*trailing, (VERSION, str(route.version)))
        if answer.code is not Code.OK:
            await _abort(context, answer.code, answer.message, trailing)
        context.set_trailing_metadata(trailing)
        return answer.body

    def _sender(
        self, path: str, kind: Rewriting, question: Question, seconds: float | None
    ) -> Callable[[int | None], Awaitable[Any]]:
        def send(version: int | None) -> Awaitable[Any]:
            data = question.body if version is None else kind.with_version(question.body, version)
            return self._backend.call(path, data, question.request_id, seconds)

        return send


async def _abort(context: Any, code: Code, message: str, trailing: Trailing) -> NoReturn:
    await context.abort(code, message, trailing)
    raise AssertionError("abort raises")


def build(
    front: GrpcFront, status: health.HealthServicer, settings: GatewaySettings
) -> tuple[grpc.aio.Server, int]:
    """Makes the server, not started; returns also its port.

    Raises:
        EvergreenError: If the port is taken, or a certificate cannot be read.
    """
    options = [
        ("grpc.max_receive_message_length", settings.max_body_mb * MIB),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),  # a port that is taken is an error, not shared
    ]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=MAX_CALLS)
    server.add_generic_rpc_handlers(front.handlers())
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    address = f"{settings.host}:{settings.port}"
    try:
        return server, _bind(server, address, settings)
    except (RuntimeError, OSError) as error:
        raise EvergreenError(
            f"gateway: gRPC cannot listen on {address}: {error}",
            hint="Choose another gateway.port, and files in gateway.tls that can be read.",
        ) from error


def _bind(server: grpc.aio.Server, address: str, settings: GatewaySettings) -> int:
    if settings.tls.files is None:
        return server.add_insecure_port(address)
    certificate, key = (file.read_bytes() for file in settings.tls.files)
    return server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
