"""Runs the monitor in a subprocess, so the controller need not import TensorFlow.

The controller does not wait for it, but checks it at each step, and ends it if it takes too long.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from threading import Thread
from typing import IO

from evergreen.errors import EvergreenError
from evergreen.exit_codes import ExitCode
from evergreen.launch import evergreen, leashed

LOOKED = (ExitCode.DONE, ExitCode.FOUND)
"""Exit codes of `evergreen monitor` after successful monitoring."""
LAST_BYTES, LAST_LINES = 4096, 3
BY_HAND = "Try it by hand: evergreen monitor"


@dataclass(frozen=True)
class _Look:
    """A monitoring process."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]
    began: float


class Monitoring:
    """Runs `evergreen monitor`, one at a time; it writes its findings to ML Metadata."""

    def __init__(
        self,
        options: Sequence[str],
        seconds: float,
        ended: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts nothing yet.

        Args:
            options: The options that name the project and its settings.
            seconds: The longest time for a run of the monitor.
            ended: Called, in another thread, when it has ended.
            monotonic: A monotonic clock in seconds.
        """
        self._command = evergreen("monitor", *options)
        self._seconds = seconds
        self._ended = ended
        self._monotonic = monotonic
        self._look: _Look | None = None

    def look(self, now: datetime) -> None:
        """Begins to monitor the traffic up to a time, unless the monitor is running.

        Call it on the main thread: the process ends with the thread that started it.
        """
        if self._look:
            return
        said = TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        process = subprocess.Popen(  # noqa: S603 - a command of our own
            leashed([*self._command, f"--until={now:%Y-%m-%dT%H:%M:%S}"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,  # so that its children can be ended with it
        )
        self._look = _Look(process, said, self._monotonic())
        Thread(target=self._wait, args=[process], name="monitor", daemon=True).start()

    def check(self) -> None:
        """Checks a running monitor.

        Raises:
            EvergreenError: If it failed, or took too long and was killed.
        """
        if self._look is None:
            return
        code = self._look.process.poll()
        if code is None and self._monotonic() - self._look.began < self._seconds:
            return
        words = self._close()
        if code is None:
            raise EvergreenError(
                f"evergreen monitor took longer than {self._seconds:g} s and was killed.",
                hint=f"{BY_HAND}; give it longer with triggers.monitor_deadline_seconds",
            )
        if code not in LOOKED:
            raise EvergreenError(words or f"it ended with exit code {code}.", hint=BY_HAND)

    def close(self) -> None:
        """Ends a running monitor; nothing is lost, since the next one sees the same traffic."""
        self._close()

    def _close(self) -> str:
        """Ends the process if it runs, and returns the end of its output."""
        look, self._look = self._look, None
        if look is None:
            return ""
        if look.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(look.process.pid, signal.SIGKILL)
            look.process.wait()
        with look.said as said:
            said.seek(max(said.seek(0, os.SEEK_END) - LAST_BYTES, 0))
            lines = said.read().decode(errors="replace").strip().splitlines()
            return " ".join(lines[-LAST_LINES:])

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._ended()
