"""The section of the page: how long it takes to start, and how that was measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.markdown import Spread, table
from benchmarks.section import Section
from benchmarks.startup.entry_points import CONTAINER, PROGRAMS
from benchmarks.startup.result import Result
from benchmarks.targets import Target, target_table

TARGET = Target[Result](
    f"{CONTAINER}: of `from tfx import v1`", 0.6, lambda result: result.ratio(CONTAINER)
)


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    del images
    return {
        "targets": target_table([TARGET], result),
        "entry_points": _entry_points(result),
    }


SECTION = Section("startup", Result, _values)


def _entry_points(result: Result) -> str:
    def row(name: str) -> list[str]:
        rounds = [measured[name] for measured in result.rounds]
        return [
            name,
            Spread.of(measured.wall for measured in rounds).text(1),
            Spread.of(measured.cpu for measured in rounds).text(1),
            Spread.of(measured.peak for measured in rounds).text(0),
            result.ratio(name).text(2),
        ]

    head = ["", "process, s", "processor, s", "memory, MiB", "of `from tfx import v1`"]
    return table(head, [row(name) for name in PROGRAMS])
