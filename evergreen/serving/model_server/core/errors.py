"""What goes wrong while serving, as clients see it: a gRPC status code and a message."""

import grpc


class ServingError(Exception):
    """A request that cannot be answered; carries TensorFlow Serving's code and message.

    Attributes:
        code: The gRPC status code; REST maps it to an HTTP one.
        message: What clients read, and match on.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> ServingError:
    """Returns the error of a request that is wrong whatever the server's state."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> ServingError:
    """Returns the error of a request for what is not there."""
    return ServingError(grpc.StatusCode.NOT_FOUND, message)
