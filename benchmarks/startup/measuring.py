"""Imports what each entry point imports, each time in a fresh process."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.machine import describe
from benchmarks.measure import Measured, measure
from benchmarks.pipeline.comparing import environment, rotated
from benchmarks.startup.entry_points import PROGRAMS
from benchmarks.startup.result import Result

PROJECT = Path(__file__).parents[2]


def measure_all(rounds: int, folder: Path, console: Console) -> Result:
    """Measures every entry point in every round, in a rotating order.

    Args:
        rounds: How many rounds count; one more before them compiles the bytecode.
        folder: For bytecode and logs; emptied before.
        console: Shows a person how far it is.
    """
    started, machine = datetime.now(UTC), describe()
    shutil.rmtree(folder, ignore_errors=True)
    found = []
    for number in range(rounds + 1):
        with console.status(f"round {number} of {rounds}; round 0 does not count"):
            one = {name: _import(name, folder) for name in rotated(list(PROGRAMS), number)}
        console.print(
            f"round {number}: " + ", ".join(f"{name} {one[name].wall:.1f} s" for name in PROGRAMS),
            highlight=False,
        )
        found.append(one)
    return Result(started=started, machine=machine, rounds=tuple(found[1:]))


def _import(name: str, folder: Path) -> Measured:
    command = [sys.executable, "-c", PROGRAMS[name]]
    return measure(command, folder / "log", PROJECT, environment(folder / "bytecode"))
