"""Handles gRPC calls: parses requests, and turns errors into gRPC's."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from evergreen.serving.model_server.core.errors import ServingError

MAX_DETAILS = 2600
"""The most bytes of an error. gRPC may write each as three, and clients refuse more than 8 KiB."""
Handler: TypeAlias = "grpc.GenericRpcHandler[bytes, bytes]"
Method = Callable[[Any], Awaitable[Message]]


def handler(service: str, methods: Mapping[str, tuple[type[Message], Method]]) -> Handler:
    """Creates the gRPC handler of a service.

    gRPC's own parsing would answer malformed requests with UNKNOWN, and log a traceback for each.

    Args:
        service: Its full name.
        methods: By name, the type of the request and the coroutine function that answers it.
    """
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(_call(kind, method))
        for name, (kind, method) in methods.items()
    }
    return grpc.method_handlers_generic_handler(service, handlers)


def _call(kind: type[Message], method: Method) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def call(data: bytes, context: Any) -> bytes:
        try:
            request = kind.FromString(data)
        except DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        try:
            return (await method(request)).SerializeToString()
        except ServingError as error:
            code, message = error.code, _cut(error.message)
        # Outside of `except`, where gRPC's exception would hold ours, and the request's tensors
        # with it.
        await context.abort(code, message)
        raise AssertionError("abort raises")

    return call


def _cut(message: str) -> str:
    return message.encode("utf-8", "replace")[:MAX_DETAILS].decode("utf-8", "ignore")
