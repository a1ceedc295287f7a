"""TensorFlow Serving's gRPC API, forwarded as bytes."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn

import grpc
from grpc_health.v1.health import SERVICE_NAME
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from evergreen.errors import EvergreenError
from evergreen.serving.gateway import rewrites
from evergreen.serving.gateway.access import REQUEST_ID, request_id
from evergreen.serving.gateway.backend import METHODS, STATUS
from evergreen.serving.gateway.dispatch import Forwarding, Question
from evergreen.serving.gateway.memory import MIB, LateError, OverBudgetError, Uploads
from evergreen.serving.gateway.rewrites import Target
from evergreen.serving.gateway.secrets import Certificate
from evergreen.settings.gateway import GatewaySettings

Code = grpc.StatusCode
VERSION = "x-model-version"
"""Trailing metadata with the version that answered, if the gateway chose it."""
NO_KEY = "The API key is missing or wrong."
NO_MESSAGE = "The call has no message."
MAX_CALLS = 4096
"""The most concurrent calls; more get RESOURCE_EXHAUSTED. It bounds memory."""
MAX_WATCHERS = 64
"""The most clients that watch the health service, since each holds a call."""
HANDSHAKE_MS = 20_000
IDLE_MS = 300_000
"""A connection without calls is closed; clients open another."""
KEEPALIVE_MS = 60_000
"""The ping interval; a client that does not answer within 20 seconds is gone."""
Trailing = tuple[tuple[str, str], ...]
PREDICTIONS = {"Predict", "Classify", "Regress", "MultiInference"}


class Rewriting(NamedTuple):
    """Functions that find what a kind of request is for, and set its version."""

    target: Callable[[bytes], Target]
    with_version: Callable[[bytes, int], bytes]


ONE = Rewriting(rewrites.target, rewrites.with_version)
EACH = Rewriting(rewrites.common_target, rewrites.with_versions)


class GrpcFront(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Answers gRPC requests.

    Requests without a key are refused by their metadata, before the message is read.

    Args:
        shared: Forwards the requests.
        uploads: Reads messages.
    """

    def __init__(self, shared: Forwarding, uploads: Uploads) -> None:
        self._shared = shared
        self._uploads = uploads
        # gRPC calls handlers of streams before it reads anything.
        self._refusal = grpc.stream_unary_rpc_method_handler(self._refuse)
        self._handlers = {
            path: grpc.stream_unary_rpc_method_handler(
                partial(self._answer, path, path.rpartition("/")[2])
            )
            for path in METHODS
        }

    def service(self, handler_call_details: Any) -> Any:
        """Returns the handler of a call; it handles bytes, which are not parsed."""
        handler = self._handlers.get(handler_call_details.method)
        if handler and not self._shared.doorman.admit(_metadata(handler_call_details)):
            return self._refusal
        return handler

    async def _refuse(self, messages: Any, context: Any) -> NoReturn:
        del messages  # unread
        sent = dict(context.invocation_metadata() or ())
        trailing: Trailing = ((REQUEST_ID, request_id(sent.get(REQUEST_ID))),)
        await _abort(context, Code.UNAUTHENTICATED, NO_KEY, trailing)

    async def _answer(self, path: str, name: str, messages: Any, context: Any) -> bytes:
        del messages  # read through the context
        metadata = dict(context.invocation_metadata() or ())
        request = request_id(metadata.get(REQUEST_ID))
        trailing: Trailing = ((REQUEST_ID, request),)
        with self._shared.doorman.budget.share() as share:
            try:
                data = await self._uploads.read(context)
                share.add(len(data or b""))
            except OverBudgetError as error:
                self._shared.doorman.refused("memory")
                await _abort(context, Code.RESOURCE_EXHAUSTED, str(error), trailing)
            except LateError as error:
                self._shared.doorman.refused("late")
                await _abort(context, Code.DEADLINE_EXCEEDED, str(error), trailing)
            if data is None:
                await _abort(context, Code.INVALID_ARGUMENT, NO_MESSAGE, trailing)
            kind = EACH if name == "MultiInference" else ONE
            target = kind.target(data)
            dispatcher, is_own = self._shared.of(target.model)
            question = Question(
                request_id=request,
                api=name,
                body=data,
                is_open=path != STATUS and is_own and target.is_open,
                is_prediction=name in PREDICTIONS,
                key=metadata.get(dispatcher.sticky, ""),
            )
            del data
            route, answer = await dispatcher.answer(
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
            return self._shared.backend.call(path, data, question.request_id, seconds)

        return send


async def _abort(context: Any, code: Code, message: str, trailing: Trailing) -> NoReturn:
    await context.abort(code, message, trailing)
    raise AssertionError("abort raises")


class HealthFront(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """gRPC's health service, open to all: it reads no message, and reports on the whole gateway.

    Args:
        status: The status, under the empty name.
    """

    def __init__(self, status: health.HealthServicer) -> None:
        self._status = status
        self._watchers = 0
        write = HealthCheckResponse.SerializeToString
        self._handlers = {
            f"/{SERVICE_NAME}/Check": grpc.stream_unary_rpc_method_handler(
                self._check, response_serializer=write
            ),
            f"/{SERVICE_NAME}/Watch": grpc.stream_stream_rpc_method_handler(
                self._watch, response_serializer=write
            ),
        }

    def service(self, handler_call_details: Any) -> Any:
        """Returns the handler of a call."""
        return self._handlers.get(handler_call_details.method)

    async def _check(self, messages: Any, context: Any) -> Any:
        del messages  # unread
        return await self._status.Check(HealthCheckRequest(), context)

    async def _watch(self, messages: Any, context: Any) -> None:
        del messages  # unread
        if self._watchers >= MAX_WATCHERS:
            await _abort(context, Code.RESOURCE_EXHAUSTED, "Too many watch already.", ())
        self._watchers += 1
        try:
            await self._status.Watch(HealthCheckRequest(), context)
        finally:
            self._watchers -= 1


def build(
    front: GrpcFront,
    status: health.HealthServicer,
    settings: GatewaySettings,
    certificate: Certificate | None,
) -> tuple[grpc.aio.Server, int]:
    """Creates the server without starting it; also returns its port.

    Raises:
        EvergreenError: If the port is taken.
    """
    options = [
        ("grpc.max_receive_message_length", settings.max_body_mb * MIB),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),  # a taken port is an error, and not shared
        ("grpc.max_allowed_incoming_connections", settings.connections),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.http2.bdp_probe", 0),  # buffers 64 KiB per call, and not megabytes
    ]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=MAX_CALLS)
    server.add_generic_rpc_handlers([front, HealthFront(status)])
    address = f"{settings.host}:{settings.port}"
    try:
        if certificate is None:
            return server, server.add_insecure_port(address)
        return server, server.add_secure_port(address, certificate.credentials())
    except (RuntimeError, OSError) as error:
        raise EvergreenError(
            f"gateway: gRPC cannot listen on {address}: {error}",
            hint="Choose another gateway.port.",
        ) from error


def _metadata(details: Any) -> dict[str, str]:
    return dict(details.invocation_metadata or ())
