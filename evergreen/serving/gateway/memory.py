"""Limits for the memory of requests: bytes in flight, and messages being received.

Bodies of REST requests are counted as they arrive. gRPC reads a message as a whole, and reveals
neither its size nor its progress: it is counted when complete, and while messages arrive, the
memory of the process is watched.
"""

import asyncio
import ctypes
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psutil
from grpc.aio import EOF  # type: ignore[attr-defined]

log = logging.getLogger(__name__)
MIB = 2**20
LOOK_SECONDS = 0.05
AT_ONCE_SECONDS = 0.25
MAX_SLOW = 512
"""The most messages that take long; beyond that, the newest are refused."""
OVER = "The gateway has too many bytes in flight; try again."


class OverBudgetError(Exception):
    """Raised when there is no memory for a request at present."""

    def __init__(self) -> None:
        super().__init__(OVER)


class LateError(Exception):
    """Raised when a body does not arrive in time."""


class Budget:
    """The bytes of all requests in flight, of both APIs.

    Args:
        most: The limit.

    Attributes:
        taken: The bytes in flight.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    def share(self) -> "Share":
        """Returns an empty share for one request; leaving its context returns its bytes."""
        return Share(self)

    def take(self, count: int) -> None:
        """Takes bytes. Raises OverBudgetError if there are not enough left."""
        if self.taken + count > self._most:
            raise OverBudgetError
        self.taken += count


class Share:
    """The bytes of one request."""

    __slots__ = ("_budget", "_taken")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._taken = 0

    def add(self, count: int) -> None:
        """Takes bytes. Raises OverBudgetError if there are not enough left."""
        self._budget.take(count)
        self._taken += count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.taken -= self._taken


class Uploads:
    """Reads gRPC messages.

    Args:
        most: The bytes by which the memory of this process may grow.
        seconds: The longest time for a message to arrive.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = _resident() + most
        self._seconds = seconds
        # The start of each reader, in this order.
        self._readers: dict[asyncio.Task[Any], float] = {}

    async def read(self, context: Any) -> bytes | None:
        """Reads the message of a call; None if there is none.

        Raises:
            OverBudgetError: If there is no memory for it.
            LateError: If it does not arrive in time.
        """
        with self._reading() as task:
            try:
                data = await context.read()
            except asyncio.CancelledError as cancelled:
                reason = cancelled.args[0] if cancelled.args else None
                if not isinstance(reason, OverBudgetError | LateError):
                    raise
                task.uncancel()
                raise reason from None
        return None if data is EOF else data

    async def watch(self) -> None:
        """Ends readers that need too much memory or time, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self._look()
            except Exception:  # the next check comes
                log.exception("gateway: messages that come")

    def _look(self) -> None:
        if self._readers and self._is_full():
            for task in self._readers:
                task.cancel(OverBudgetError())
            return
        now = time.monotonic()
        slow = [task for task, since in self._readers.items() if now - since > AT_ONCE_SECONDS]
        for task in slow[MAX_SLOW:]:
            task.cancel(OverBudgetError())
        for task in slow[:MAX_SLOW]:
            if now - self._readers[task] > self._seconds:
                task.cancel(LateError(f"The message did not come within {self._seconds:g} s."))

    def _is_full(self) -> bool:
        if _resident() < self._most:
            return False
        _trim()
        return _resident() >= self._most

    @contextmanager
    def _reading(self) -> Iterator[asyncio.Task[Any]]:
        task = asyncio.current_task()
        assert task
        self._readers[task] = time.monotonic()
        try:
            yield task
        finally:
            del self._readers[task]


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


def _trim() -> None:
    """Returns free memory to the system; glibc would keep it."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
