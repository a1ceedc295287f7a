"""Failures of servers, as errors that say what to do next."""

import grpc

from evergreen.errors import EvergreenError
from evergreen.serving.client.address import Address

Code = grpc.StatusCode
OF_HTTP = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    429: Code.RESOURCE_EXHAUSTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
_KEY = "Give the gateway's API key."
_HINTS = {
    Code.UNAVAILABLE: "Start a server with `evergreen serve`, or check the address: gRPC has port "
    "8500 and REST 8501, unless told otherwise.",
    Code.DEADLINE_EXCEEDED: "Allow more time, or send fewer rows in a request.",
    Code.NOT_FOUND: "See `evergreen models` for what is served; name the model, version and label "
    "that it is served under.",
    Code.INVALID_ARGUMENT: "See docs/predict.md for what a signature takes.",
    Code.UNAUTHENTICATED: _KEY,
    Code.PERMISSION_DENIED: _KEY,
    Code.RESOURCE_EXHAUSTED: "Send fewer rows in a request, or fewer requests at a time.",
}


class ServerError(EvergreenError):
    """Raised when a server did not answer, or refused.

    Attributes:
        code: The reason as a gRPC status code, for any protocol.
        reason: The server's message.
    """

    def __init__(self, address: Address, code: grpc.StatusCode, message: str) -> None:
        super().__init__(
            f"{address}: {code.name}: {message}", hint=_HINTS.get(code, "See the server's log.")
        )
        self.code = code
        self.reason = message
