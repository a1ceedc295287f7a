"""Runs the compiled pipeline in containers, one for each task, and looks at the clock."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shutil import rmtree

from rich.console import Console

from benchmarks.kubeflow.result import Result, Round, Task
from benchmarks.machine import describe
from benchmarks.measure import measure as measure_process
from benchmarks.startup.entry_points import CONTAINER, PROGRAMS
from data.taxi.spans import cut
from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import open_store
from evergreen.orchestrators.kubeflow.compiler import Overlays, compile_pipeline
from evergreen.settings import Settings, load_settings
from tests.containers.engine import HARDENED, podman, prepare
from tests.kubeflow import SUCCEEDED, Driver
from tests.project import ROOT, places

SPANS = "1"  # one container for each task
IMPORTS = f"""
import time
start = time.perf_counter()
{PROGRAMS[CONTAINER]}
print(time.perf_counter() - start)
"""


def measure(rounds: int, folder: Path, console: Console) -> Result:
    """Measures everything, several times, after a round that does not count.

    Args:
        rounds: How often.
        folder: Everything is written below it; it is replaced.
        console: Shows how far it is.
    """
    image, started, machine = prepare(), datetime.now().astimezone(), describe()
    found = []
    for number in range(rounds + 1):
        with console.status(f"round {number} of {rounds}; round 0 does not count"), _world(folder):
            text, measured = _round(image, folder)
        console.print(f"round {number}: " + ", ".join(_told(measured)), highlight=False)
        found.append(measured)
    return Result(started=started, machine=machine, document=len(text), rounds=tuple(found[1:]))


def _told(measured: Round) -> Iterator[str]:
    yield f"imports {measured.imports:.1f} s"
    for name, task in measured.tasks.items():
        yield f"{name} {task.wall:.1f} s, its nodes {task.work:.1f} s"


@contextmanager
def _world(folder: Path) -> Iterator[None]:
    """An empty folder in which other users may write, as containers are others."""
    rmtree(folder, ignore_errors=True)
    before = os.umask(0)
    try:
        folder.mkdir(parents=True)
        yield
    finally:
        os.umask(before)


def _round(image: str, folder: Path) -> tuple[str, Round]:
    overrides = [*places(folder), f"metadata.sqlite={folder}/metadata.sqlite"]
    overrides += ["pipeline.orchestrator=kubeflow"]
    settings = load_settings(ROOT, ["local"], overrides)
    cut(None, settings.data.span_root, settings.data.period, settings.data.format)
    compile_pipeline(settings, Overlays(["local"], overrides))  # imports what it needs
    start = time.perf_counter()
    text = compile_pipeline(settings, Overlays(["local"], overrides))
    compiling = time.perf_counter() - start
    command = [sys.executable, "kubeflow_runner.py", "compile", f"--output={folder}/whole.yaml"]
    whole = measure_process(command, folder / "compile.log", ROOT)
    return text, Round(
        compiling=compiling,
        compiling_process=whole.wall,
        start=_contained(image, folder, "true")[0],
        imports=float(_contained(image, folder, "python", "-c", IMPORTS)[1]),
        tasks=_run(text, image, folder, settings),
    )


def _contained(image: str, folder: Path, *words: str) -> tuple[float, str]:
    """Runs a command in a container; returns its seconds, and what it printed."""
    start = time.perf_counter()
    done = podman("run", "--rm", *HARDENED, f"--volume={folder}:{folder}", image, *words)
    return time.perf_counter() - start, done.stdout


def _run(text: str, image: str, folder: Path, settings: Settings) -> dict[str, Task]:
    walls: dict[str, float] = {}
    words: dict[str, list[str]] = {}

    def execute(name: str, number: int, command: list[str]) -> int:
        del number
        walls[name] = _contained(image, folder, *command)[0]
        words[name] = command
        return 0

    driver = Driver(text, execute, folder / "job", "job")
    assert driver.run(spans=SPANS, requested_by="benchmark", reason="benchmark") == SUCCEEDED
    work = _work(settings)
    return {
        name: Task(wall=wall, work=sum(work.get(node, 0.0) for node in _nodes(words[name])))
        for name, wall in walls.items()
    }


def _nodes(words: list[str]) -> list[str]:
    """The nodes that a container launches, by its command."""
    listed = (word.partition("=")[2] for word in words if word.startswith(("--nodes=", "--gate=")))
    return [node for names in listed for node in names.split(",")]


def _work(settings: Settings) -> dict[str, float]:
    """Seconds of each node, over all spans."""
    store = open_store(settings.metadata)
    record = RunRecords(store).latest(job="job")
    assert record is not None
    reader, found = NodeReader(store), dict[str, float]()
    for part in [*(span.label for span in record.to_ingest), "train"]:
        for state in reader.states(record.pipeline, f"{record.run_id}.{part}"):
            found[state.node_id] = found.get(state.node_id, 0.0) + state.seconds
    return found
