"""Runs every variant in a process of its own, in turns."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import machine, measure
from benchmarks.monitoring.data import make
from benchmarks.monitoring.result import Result, Run
from benchmarks.pipeline.comparing import BUSY, rotated
from benchmarks.pipeline.variants import PROJECT
from benchmarks.rivals import environment
from benchmarks.serving.project import Bench

HERE = Path(__file__).parent / "rivals"
MILLION = 1_000_000
EVIDENTLY = ("evidently==0.7.23", "pandas==2.3.3")
OURS, PLAIN, RIVAL = "ours", "plain pandas", "Evidently"
SMALL, LARGE = "ours, a quarter of the rows", "ours, four times the rows"
SIZES = {OURS: 1.0, PLAIN: 1.0, RIVAL: 1.0, SMALL: 0.25, LARGE: 4.0}
"""The rows of each variant, in units of those that are asked for."""


def compare(rounds: int, rows: int, folder: Path, console: Console) -> Result:
    """Measures.

    Args:
        rounds: How often each variant is measured.
        rows: Logged predictions.
        folder: For everything that is written; model, logs and environments are kept there.
        console: Shows a person how far it is.
    """
    here = machine.describe()
    if here.load > BUSY:
        console.print(
            f"[yellow]the machine is busy[/yellow] (load {here.load:.1f}): figures will be off"
        )
    bench = Bench(folder / "project")
    with console.status("training the model that serves; writing its log"):
        bench.make()
        logs = {size: make(folder / "logs", int(size * rows)) for size in set(SIZES.values())}
        evidently = environment(RIVAL, EVIDENTLY, folder / "venvs")
    commands = _commands(bench, logs, evidently)
    found = []
    for number in range(rounds):
        measured = {}
        for name in rotated(list(commands), number):
            with console.status(f"round {number + 1}: {name}"):
                measured[name] = _run(commands[name], folder / "out" / f"{name}.log")
            speed, peak = measured[name].speed, measured[name].peak
            console.print(f"{name:<28} {speed:>10,.0f} rows/s {peak:>8,.0f} MiB", highlight=False)
        found.append(measured)
    return Result(
        machine=here,
        started=datetime.now(UTC),
        rounds=tuple(found),
        packages=dict(package.split("==") for package in EVIDENTLY),
    )


def _commands(
    bench: Bench, logs: Mapping[float, Path], evidently: Path
) -> dict[str, Sequence[str]]:
    def rival(python: Path | str, script: str) -> Sequence[str]:
        log = logs[1.0]
        paths = (log / "log", log / "labels", log / "reference.parquet")
        return [str(python), str(HERE / script), *map(str, paths)]

    def ours(size: float) -> Sequence[str]:
        places = [
            f"gateway.log.folder={logs[size]}/log",
            f"monitoring.labels.folder={logs[size]}/labels",
        ]
        return [sys.executable, "-m", "benchmarks.monitoring.ours", *bench.overrides, *places]

    return {
        OURS: ours(1.0),
        PLAIN: rival(sys.executable, "plain.py"),
        RIVAL: rival(evidently, "evidently_report.py"),
        SMALL: ours(SIZES[SMALL]),
        LARGE: ours(SIZES[LARGE]),
    }


def _run(command: Sequence[str], log: Path) -> Run:
    measured = measure.measure(command, log, PROJECT)
    said = json.loads(log.read_text().splitlines()[-1])
    return Run(rows=said["rows"], seconds=said["seconds"], wall=measured.wall, peak=measured.peak)
