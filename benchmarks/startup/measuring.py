"""Imports what each entry point imports, each time in a fresh process."""

import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.machine import describe
from benchmarks.measure import Measured, measure
from benchmarks.pipeline.comparing import environment, rotated
from benchmarks.startup.entry_points import PROGRAMS
from benchmarks.startup.result import Result

PROJECT = Path(__file__).parents[2]


def measure_all(rounds: int, folder: Path, console: Console, *, warm: bool = True) -> Result:
    """Measures every entry point in every round, in a rotating order.

    Args:
        rounds: How many rounds count; one more before them compiles the bytecode.
        folder: For bytecode and logs; emptied before.
        console: Shows a person how far it is.
        warm: Whether there is that round; without it bytecode is where it is, or is not.
    """
    started, machine = datetime.now(UTC), describe()
    shutil.rmtree(folder, ignore_errors=True)
    found = []
    variables = environment(folder / "bytecode") if warm else dict(os.environ)
    for number in range(0 if warm else 1, rounds + 1):
        with console.status(f"round {number} of {rounds}; round 0 does not count"):
            order = rotated(list(PROGRAMS), number)
            measured = {name: _import(name, folder, variables) for name in order}
        console.print(
            f"round {number}: "
            + ", ".join(f"{name} {measured[name].wall:.1f} s" for name in PROGRAMS),
            highlight=False,
        )
        found.append(measured)
    return Result(started=started, machine=machine, rounds=tuple(found[-rounds:]))


def _import(name: str, folder: Path, variables: Mapping[str, str]) -> Measured:
    command = [sys.executable, "-c", PROGRAMS[name]]
    return measure(command, folder / "log", PROJECT, variables)
