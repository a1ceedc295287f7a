"""Lands spans before a running controller, and looks when what follows begins."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
from ml_metadata.metadata_store import MetadataStore
from rich.console import Console
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from benchmarks.controller.result import Result, Round
from benchmarks.machine import describe
from benchmarks.measure import MIB
from benchmarks.pipeline.comparing import environment, node_states
from benchmarks.pipeline.variants import EVERGREEN, PROJECT, settings
from data.taxi.spans import cut
from evergreen.lineage.store import open_store
from evergreen.settings.models import MetadataSettings
from evergreen.spans import Format, Period
from evergreen.triggers.log import Decided, TriggerLog

SECONDS = 180
QUIET = 2.0
"""Seconds without work after which a controller has made ready what it keeps ready."""
IDLE = 30.0
POLL = 0.05


def measure_all(rounds: int, folder: Path, console: Console) -> Result:
    """Measures some rounds.

    Args:
        rounds: How many count; one more before them compiles the bytecode.
        folder: For what runs write; emptied before.
        console: Shows a person how far it is.
    """
    begun, machine = datetime.now(UTC), describe()
    shutil.rmtree(folder, ignore_errors=True)
    found = []
    for number in range(rounds + 1):
        with console.status(f"round {number} of {rounds}; round 0 does not count"):
            found.append(_round(folder, number))
        console.print(f"round {number}: {found[-1]}", highlight=False)
    return Result(started=begun, machine=machine, rounds=tuple(found[1:]))


def _round(folder: Path, number: int) -> Round:
    here = folder / f"round-{number}"
    variables = environment(folder / "bytecode")
    spans = cut(None, here / "cut", Period.YEAR, Format.PARQUET)
    store = open_store(MetadataSettings(sqlite=_made(here / "watch") / "metadata.sqlite"))
    root = here / "spans" / Period.YEAR.value
    root.mkdir(parents=True)
    with _process(here / "watch", ["watch", "-u", "taxi"], root.parent, variables) as watch:
        ready = _wait_until_quiet(watch)
        time.sleep(IDLE)  # what it costs to wait is measured by waiting
        idle = (_cpu(watch) - ready) / IDLE
        memory = sum(process.memory_info().rss for process in _family(watch)) / MIB
        landed = time.time()
        (root / "span-00001").mkdir()
        spans[0].path.rename(root / "span-00001" / spans[0].path.name)
        started = _first_node(store) - landed
        log = TriggerLog(store, "taxi")
        log.refresh()
        decisions = log.of(Decided)
    begun = time.time()
    store = open_store(MetadataSettings(sqlite=_made(here / "run") / "metadata.sqlite"))
    with _process(here / "run", ["run", "--spans", "1"], root.parent, variables):
        cold = _first_node(store) - begun
    shutil.rmtree(here)
    return Round(
        decided=min(decision.at.timestamp() for decision in decisions) - landed,
        started=started,
        cold=cold,
        idle=idle,
        memory=memory,
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _process(
    folder: Path, words: list[str], spans: Path, variables: dict[str, str]
) -> Iterator[psutil.Process]:
    """An `evergreen` command; ended when the context is."""
    changes = [*settings(spans, folder), "triggers.cooldown_seconds=0"]
    options = [word for change in changes for word in ("--set", change)]
    command = [str(EVERGREEN), *words, "--project", str(PROJECT), *options]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)  # noqa: S603
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)


def _wait_until_quiet(process: psutil.Process) -> float:
    """Returns its processor time when it has had nothing to do for a while."""
    seen = [-1.0]

    def worked() -> float:
        seen.append(_cpu(process))
        return seen[-1] - seen[-2]

    _wait(lambda: worked() < POLL and seen[-1] > 1, QUIET)
    return seen[-1]


def _first_node(store: MetadataStore) -> float:
    """Waits for the first node of a run; returns when it began, in seconds since 1970."""

    def begun() -> float | None:
        found = node_states(store) if store.get_contexts_by_type("pipeline") else []
        return found[0].started if found else None

    return float(_wait(begun, POLL))


def _wait(check: Callable[[], float | bool | None], every: float) -> float:
    waiting = Retrying(
        retry=retry_if_result(lambda found: not found),
        stop=stop_after_delay(SECONDS),
        wait=wait_fixed(every),
    )
    return waiting(check)


def _cpu(process: psutil.Process) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in _family(process))


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]
