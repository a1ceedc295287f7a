"""Errors of serving as clients see them: a gRPC status code and a message."""

import grpc


class ServingError(Exception):
    """Raised for a request that cannot be answered, with TensorFlow Serving's code and message.

    Attributes:
        code: The gRPC status code; REST maps it to an HTTP one.
        message: The text for clients, who may match on it.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> ServingError:
    """Returns the error for a request that is invalid in any state of the server."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> ServingError:
    """Returns the error for a request for something that does not exist."""
    return ServingError(grpc.StatusCode.NOT_FOUND, message)
