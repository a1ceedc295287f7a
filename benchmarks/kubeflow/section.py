"""The section of the page: what containers cost, and how it was measured."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.kubeflow.result import Result, Round
from benchmarks.markdown import Spread, table
from benchmarks.section import Section
from benchmarks.targets import Target, target_table


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    del images
    worst = max(result.names, key=lambda name: result.overhead(name).median)
    targets = (
        Target[Result](
            f"{worst}: container without its nodes, of its imports",
            1.3,
            lambda result: result.overhead(worst),
        ),
        Target[Result](
            "compiling, without imports",
            5,
            lambda result: _spread(result, lambda measured: measured.compiling),
            unit=" s",
        ),
    )
    return {
        "targets": target_table(targets, result),
        "tasks": _tasks(result),
        "once": _once(result),
    }


SECTION = Section("kubeflow", Result, _values)


def _tasks(result: Result) -> str:
    def row(name: str) -> list[str]:
        tasks = [measured.tasks[name] for measured in result.rounds]
        cells = [
            Spread.of(task.wall for task in tasks).text(1),
            Spread.of(task.work for task in tasks).text(1),
            Spread.of(task.overhead for task in tasks).text(1),
        ]
        of_imports = result.overhead(name).text(2) if name in result.names else "-"
        return [name, *cells, of_imports]

    head = ["", "container, s", "its nodes, s", "the rest, s", "the rest, of its imports"]
    return table(head, [row(name) for name in result.rounds[0].tasks])


def _once(result: Result) -> str:
    figures: dict[str, Callable[[Round], float]] = {
        "a container that does nothing": lambda measured: measured.start,
        "imports of a container that launches nodes": lambda measured: measured.imports,
        "compiling, without imports": lambda measured: measured.compiling,
        "`kubeflow_runner.py compile`, the whole process": lambda measured: (
            measured.compiling_process
        ),
    }
    return table(
        ["", "seconds"],
        [[name, _spread(result, figure).text(2)] for name, figure in figures.items()],
    )


def _spread(result: Result, figure: Callable[[Round], float]) -> Spread:
    return Spread.of(figure(measured) for measured in result.rounds)
