"""Entries of the prediction log: unparsed bytes of requests and answers."""

from dataclasses import dataclass

OVERHEAD = 1000
"""The approximate bytes of an entry besides request and response."""
MAX_ROWS = 100_000
"""The most rows of a logged prediction, since each row takes memory."""
MAX_ELEMENTS = 2**23
"""The most values in its tensors: a few bytes can declare any number of repeated values."""


class TooLargeError(Exception):
    """Raised when parsing a prediction would take too much memory."""


def check_rows(count: int) -> None:
    """Raises TooLargeError if a prediction has too many rows."""
    if count > MAX_ROWS:
        raise TooLargeError(f"{count:,} rows in a request; at most {MAX_ROWS:,} are logged")


def check_elements(count: int) -> None:
    """Raises TooLargeError if the tensors of a message have too many values."""
    if count > MAX_ELEMENTS:
        raise TooLargeError(f"{count:,} values in tensors; at most {MAX_ELEMENTS:,} are logged")


@dataclass(slots=True)
class Entry:
    """A prediction.

    Attributes:
        request_id: The request's id.
        time: The time of the answer, in seconds since 1970.
        arm: The reason why the version got it.
        version: The version that answered; None if the client chose.
        api: `Predict`, `Classify`, `Regress`, `MultiInference`, or `REST predict`, ...
        path: The path of a REST request.
        request: The request as received.
        response: The response as sent.
        is_logged: Whether it is logged; otherwise only its outputs are evaluated.
    """

    request_id: str
    time: float
    arm: str
    version: int | None
    api: str
    path: str
    request: bytes
    response: bytes
    is_logged: bool = True

    @property
    def size(self) -> int:
        """The approximate bytes of memory."""
        return len(self.request) + len(self.response) + OVERHEAD
