"""Runs a command in a fresh process, and measures its time and memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import numpy as np
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


@dataclass(frozen=True)
class Trace:
    """What a process and its descendants took, as time went on.

    Attributes:
        times: Of the looks, in seconds since 1970, rising.
        cpu: Processor seconds until then, of those that have ended included.
        memory: Resident memory then, in MiB.
    """

    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def within(self, start: float, end: float) -> tuple[float, float, float]:
        """Returns processor seconds, memory at the start, and its peak, between two moments.

        All are as exact as the looks are frequent; between two of them, processor time is taken
        to rise evenly.
        """
        before, after = np.interp([start, end], self.times, self.cpu)
        inside = [
            memory
            for time, memory in zip(self.times, self.memory, strict=True)
            if start - SAMPLE_SECONDS <= time <= end + SAMPLE_SECONDS
        ]
        at_start = float(np.interp(start, self.times, self.memory))
        return float(after - before), at_start, max([at_start, *inside])


def measure(
    command: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str] | None = None
) -> Measured:
    """Runs a command to its end; arguments and errors as of `trace`."""
    return trace(command, log, folder, environment)[0]


def trace(
    command: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[Measured, Trace]:
    """Runs a command to its end.

    Args:
        command: The program and its arguments.
        log: What it prints goes here; the file is replaced.
        folder: Where it runs.
        environment: Its environment variables; those of this process if not given.

    Returns:
        What the whole process took, and what it took as time went on.

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
    measured = Measured(
        started=started,
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        # Not the kernel's ru_maxrss: it is of the largest process alone, and never less than what
        # this process has, since a child starts as a copy of it.
        peak=max(sampler.trace.memory),
    )
    return measured, sampler.trace


class _Sampler:
    """A context in which a process and its descendants are watched.

    Attributes:
        trace: What was seen.
    """

    def __init__(self, pid: int) -> None:
        self.trace = Trace()
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
        self._look()
        while not self._stop.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        try:
            family = [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        seen = [_taken(process) for process in family]
        cpu, memory = (sum(column) for column in zip((0.0, 0), *seen, strict=True))
        self.trace.times.append(time.time())
        # A descendant that ends counts again only once its parent has waited for it.
        self.trace.cpu.append(max([cpu, *self.trace.cpu[-1:]]))
        self.trace.memory.append(memory / MIB)


def _taken(process: psutil.Process) -> tuple[float, int]:
    """Processor seconds, of ended children included, and bytes of resident memory."""
    try:
        with process.oneshot():
            return sum(process.cpu_times()[:4]), int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0.0, 0
