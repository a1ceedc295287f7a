"""What is taken aside of a prediction while it is answered: bytes that nobody has read yet."""

from dataclasses import dataclass

OVERHEAD = 1000
"""Bytes of an entry, besides request and response; about."""
MAX_ROWS = 100_000
"""Rows of a prediction that is logged: each takes memory of its own."""
MAX_ELEMENTS = 2**23
"""Values of its tensors: a few bytes can say that a value is repeated as often as one likes."""


class TooLargeError(Exception):
    """A prediction would take too much memory to be read."""


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
        request_id: Of the request.
        time: When it was answered, in seconds since 1970.
        arm: Why the version got it.
        version: Who answered; None if the client chose.
        api: `Predict`, `Classify`, `Regress`, `MultiInference`, or `REST predict`, ...
        path: Of a REST request.
        request: As it came.
        response: As it went.
        is_logged: Whether it is written down; otherwise only its outputs are looked at.
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
        """Bytes of memory, about."""
        return len(self.request) + len(self.response) + OVERHEAD
