"""Turns errors into HTTP answers: TensorFlow Serving's status codes, and `{"error": ...}`."""

import logging
from collections.abc import Awaitable, Callable

import grpc
import orjson
from aiohttp import web

from evergreen.serving.model_server.core.errors import ServingError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
JSON = "application/json"
STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
"""The mapping of `ToHTTPStatusCode` in TensorFlow Serving's http_server.cc."""


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers errors with a status and a body; internal errors are logged."""
    try:
        return await handler(request)
    except ServingError as error:
        return response(STATUS[error.code], error.message)
    except web.HTTPException as error:
        return response(error.status, error.text or error.reason)
    except web.RequestPayloadError as error:
        return _give_up_body(request, error)
    except ConnectionError:
        return response(STATUS[grpc.StatusCode.CANCELLED], "The client is gone")  # nobody reads it
    except Exception as error:
        log.exception("%s %s", request.method, request.path)
        return response(500, f"{type(error).__name__}: {error}")


def response(status: int, message: str) -> web.Response:
    """Returns an error as an answer; what is not Unicode in the message is replaced."""
    text = message.encode("utf-8", "replace").decode()
    return web.Response(status=status, body=orjson.dumps({"error": text}), content_type=JSON)


def _give_up_body(request: web.Request, error: web.RequestPayloadError) -> web.Response:
    """Answers a request whose body is not encoded as declared, and closes its connection."""
    # aiohttp 3.14 would read on, meet the same error again, and log it as its own.
    request.content.feed_eof()
    answer = response(400, " ".join(f"Cannot read the body: {error}".split()))
    answer.force_close()
    return answer
