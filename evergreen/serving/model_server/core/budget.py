"""Memory budgets of requests, since a stranger's few bytes can expand to fill all memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from evergreen.serving.model_server.core.errors import ServingError, invalid

MAX_EXPANSION = 2**24
"""The bytes that a request may take beyond its own: repeated values, the context of many examples.
TensorFlow Serving has no such limit."""
MAX_PADDING = 2**27
"""The bytes that padding may add to a batch."""
MAX_JSON = 2**29
"""The bytes of a REST request's body and of its parsed values."""
VALUE = 64
"""The most bytes of a JSON value, or of a key, before it is part of a tensor."""
OBJECT = 256
"""The bytes of a JSON object besides its keys and values."""
WIDE = 4
"""The bytes of each character of a text in which one is beyond the first 65,536 of Unicode."""
IN_FLIGHT = 2**30
"""The bytes for all requests in flight."""


def values(body: bytes) -> int:
    """Returns how many bytes the values of a JSON document take at most, before it is parsed.

    A text is counted only if it may take more than its bytes in the body.
    """
    parts = sum(body.count(mark) for mark in (b",", b"[", b":"))
    has_wide = not body.isascii() or b"\\u" in body
    return VALUE * parts + OBJECT * body.count(b"{") + (WIDE * len(body) if has_wide else 0)


class Budget:
    """Bytes that requests share; used only from the event loop.

    Args:
        size: The bytes for all requests in flight.
        expansion: The bytes for one request.
    """

    def __init__(self, size: int = IN_FLIGHT, expansion: int = MAX_EXPANSION) -> None:
        self._free = size
        self._expansion = expansion

    @contextmanager
    def share(self, limit: int = 0) -> Iterator[Callable[[int], None]]:
        """Yields a function that takes bytes for one request, until it is answered.

        The function raises ServingError if the request takes too much (INVALID_ARGUMENT), or all
        requests together do (RESOURCE_EXHAUSTED).

        Args:
            limit: The bytes for this request, if not the default.
        """
        limit = limit or self._expansion
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if taken + size > limit:
                raise invalid(
                    f"The request takes {taken + size} bytes of memory beyond what it carries; at "
                    f"most {limit} are allowed"
                )
            if size > self._free:
                raise ServingError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    "The requests in flight take all memory that there is for them; ask again",
                )
            self._free -= size
            taken += size

        try:
            yield take
        finally:
            self._free += taken
