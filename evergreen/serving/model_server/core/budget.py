"""How much memory requests may take: a few bytes of a stranger can stand for all there is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from evergreen.serving.model_server.core.errors import ServingError, invalid

MAX_EXPANSION = 2**24
"""Bytes that a request may take beyond what it carries: repeated values, a context of many
examples. TensorFlow Serving has no such limit."""
MAX_PADDING = 2**27
"""Bytes that padding may add to a batch."""
MAX_JSON = 2**29
"""Bytes that the body of a REST request may take, with what becomes of its values."""
VALUE = 64
"""Bytes that a value of JSON takes at most, until it is part of a tensor: an empty object."""
IN_FLIGHT = 2**30
"""Bytes that all requests in flight may take so."""


def values(body: bytes) -> int:
    """Returns how many bytes the values of a JSON document take at most, before it is parsed."""
    return VALUE * sum(body.count(mark) for mark in (b",", b"[", b"{"))


class Budget:
    """Bytes that requests share; used from the event loop only.

    Args:
        size: Of all requests in flight.
        expansion: Of one request.
    """

    def __init__(self, size: int = IN_FLIGHT, expansion: int = MAX_EXPANSION) -> None:
        self._free = size
        self._expansion = expansion

    @contextmanager
    def share(self, limit: int = 0) -> Iterator[Callable[[int], None]]:
        """Yields what takes bytes for one request, until it is answered.

        It raises ServingError if the request takes too much (INVALID_ARGUMENT), or all together do
        (RESOURCE_EXHAUSTED).

        Args:
            limit: Bytes of this request, if not what requests have by default.
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
