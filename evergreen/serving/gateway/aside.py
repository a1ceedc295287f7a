"""A separate process for calls that may hang.

Issue: ml-metadata (1.17.1) keeps Python's lock while it waits for its database. If that hangs, so
does every thread of the process, and no request is answered.
Solution: the store is opened in a process of its own, which is asked with a time limit, and killed
if it does not answer. This can go when ml-metadata lets go of the lock.
"""

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from evergreen.errors import EvergreenError

START_SECONDS = 60.0
"""The longest start of the process, besides the time for the answer."""


Question = tuple[str, tuple[Any, ...], dict[str, Any]]
"""A method's name, and its arguments."""


class SilentError(EvergreenError):
    """Raised when the separate process does not answer, or has died."""


@dataclass(eq=False)
class Aside:
    """An object in a separate process, which is started on first use.

    Args:
        make: Creates the object in that process; picklable.
        seconds: The longest wait for an answer. Then the process is killed, and the next call
            starts another.
    """

    _make: Callable[[], object]
    _seconds: float
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _process: multiprocessing.process.BaseProcess | None = None
    _pipe: Connection | None = None

    async def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Calls a method of the object; calls are made one after another.

        Raises:
            SilentError: If no answer comes in time.
            EvergreenError: If the method, or the creation of the object, raised it.
            RuntimeError: If they raised any other error.
        """
        async with self._lock:
            try:
                succeeded, value = await asyncio.to_thread(self._ask, (method, arguments, named))
            except asyncio.CancelledError:
                self.stop()  # its answer would be taken for that to the next call
                raise
        if not succeeded:
            raise value
        return value

    def stop(self) -> None:
        """Ends the process, whatever it is doing; a waiting call ends as well."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if process and pipe:
            process.kill()
            process.join()
            pipe.close()

    def _ask(self, question: Question) -> tuple[bool, Any]:
        seconds = self._seconds if self._pipe else self._seconds + START_SECONDS
        pipe = self._pipe or self._start()
        try:
            pipe.send(question)
            if pipe.poll(seconds):
                answer: tuple[bool, Any] = pipe.recv()
                return answer
            why = f"no answer within {seconds:g} s; the metadata store may hang."
        except (EOFError, OSError) as error:
            why = f"the process that asks the metadata store has died: {error!r}"
        if self._pipe is pipe:
            self.stop()
        return False, SilentError(
            why, hint="See whether the metadata store can be reached: evergreen models"
        )

    def _start(self) -> Connection:
        spawning = multiprocessing.get_context("spawn")  # a process with threads must not fork
        self._pipe, other = spawning.Pipe()
        self._process = spawning.Process(target=_work, args=(self._make, other), daemon=True)
        self._process.start()
        other.close()
        return self._pipe


def _work(make: Callable[[], object], pipe: Connection) -> None:
    """Answers calls until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    made = None
    while True:
        try:
            method, arguments, named = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            made = made or make()
            answer = True, getattr(made, method)(*arguments, **named)
        except EvergreenError as error:
            answer = False, EvergreenError(str(error), hint=error.hint)
        except Exception as error:  # a store may raise anything; it is sent back
            answer = False, RuntimeError(f"{type(error).__name__}: {error}")
        pipe.send(answer)
