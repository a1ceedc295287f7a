"""What requests may take of memory: bytes in flight, and messages that are being sent.

A body of REST is counted as it comes. A message of gRPC is read as a whole, and nothing tells its
size, or how much of it is there: it is counted when it is complete, and while messages come one
looks at what the process takes.
"""

import asyncio
import ctypes
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import psutil
from grpc.aio import EOF  # type: ignore[attr-defined]

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.05
AT_ONCE_SECONDS = 0.25
MAX_SLOW = 512
"""Messages that take longer than that; of more the newest are refused."""
OVER = "The gateway has too many bytes in flight; try again."


class OverBudgetError(Exception):
    """There is no memory for a request now."""

    def __init__(self) -> None:
        super().__init__(OVER)


class LateError(Exception):
    """A body did not come in time."""


class Budget:
    """Bytes of all requests in flight, of both APIs.

    Args:
        most: So many.

    Attributes:
        taken: So many are in flight.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    def share(self) -> "Share":
        """Returns the share of one request, empty; a context at whose end it is given back."""
        return Share(self)

    def take(self, count: int) -> None:
        """Takes bytes. Raises OverBudgetError if there are not as many left."""
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
        """Takes bytes. Raises OverBudgetError if there are not as many left."""
        self._budget.take(count)
        self._taken += count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._budget.taken -= self._taken


class Uploads:
    """Reads messages of gRPC.

    Args:
        most: Bytes that this process may take more than it takes now.
        seconds: How long a message may take to come.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = _resident() + most
        self._seconds = seconds
        # Of each reader since when; in this order, as dicts keep it.
        self._readers: dict[asyncio.Task[Any], float] = {}

    async def read(self, context: Any) -> bytes | None:
        """Reads the message of a call; None if none comes.

        Raises:
            OverBudgetError: If there is no memory for it.
            LateError: If it does not come in time.
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
        """Ends readings that take too much, or too long, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self._look()
            except Exception:  # whatever it is, the next look comes
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
    """Gives back to the system what is free; glibc keeps it otherwise."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
