"""Runs a command in a fresh process, and measures its time and memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread

import psutil
from pydantic import BaseModel, ConfigDict

from evergreen.errors import EvergreenError

SAMPLE_SECONDS = 0.2  # looking takes 4 ms: 2 % of one processor
MIB = 1 << 20


class Measured(BaseModel):
    """What a process took, with all the processes that it started.

    Attributes:
        started: When it was started, in seconds since 1970.
        wall: From its start to its end, in seconds; the interpreter's start and imports included.
        cpu: Processor time of all its processes, user and system, in seconds.
        peak: Most resident memory of all its processes together, in MiB. Pages that several
            share count in each. What comes and goes between two looks is not seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    started: float
    wall: float
    cpu: float
    peak: float

    @property
    def ended(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.started + self.wall


def measure(
    command: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str] | None = None
) -> Measured:
    """Runs a command to its end.

    Args:
        command: The program and its arguments.
        log: What it prints goes here; the file is replaced.
        folder: Where it runs.
        environment: Its environment variables; those of this process if not given.

    Raises:
        EvergreenError: If it ends with another exit code than 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started, clock = time.time(), time.perf_counter()
    with (
        log.open("w") as output,
        subprocess.Popen(  # noqa: S603 - a command of our own
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as process,
        _Sampler(process.pid) as sampler,
    ):
        # Only this gives the times of a child together with those of its own children.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise EvergreenError(
            f"{' '.join(command)}: ended with exit code {process.returncode}.",
            hint=f"What it printed is in {log}",
        )
    return Measured(
        started=started,
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        # Not the kernel's ru_maxrss: it is of the largest process alone, and never less than what
        # this process has, since a child starts as a copy of it.
        peak=sampler.peak / MIB,
    )


class _Sampler:
    """A context in which the memory of a process and its descendants is watched.

    Attributes:
        peak: The most seen, in bytes.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._process = psutil.Process(pid)
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> "_Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        self.peak = self._now()
        while not self._stop.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, self._now())

    def _now(self) -> int:
        try:
            family = [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        return sum(_resident(process) for process in family)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
