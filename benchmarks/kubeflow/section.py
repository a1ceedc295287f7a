"""The section of the page: what containers cost, and how it was measured."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.kubeflow.result import Result, Round
from benchmarks.markdown import Spread, table

OVERHEAD, COMPILING = 1.3, 5.0


def render(stored: str, images: Path) -> str:
    """Returns the section in Markdown.

    Args:
        stored: The JSON of a `Result`.
        images: The folder of images, beside the page; this section has none.
    """
    del images
    result = Result.model_validate_json(stored)
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures
    )
    return templates.get_template("section.md").render(
        result=result, targets=_targets(result), tasks=_tasks(result), once=_once(result)
    )


def _targets(result: Result) -> str:
    worst = max(result.names, key=lambda name: result.overhead(name).median)
    compiling = _spread(result, lambda one: one.compiling)
    rows = [
        (f"{worst}: container without its nodes, of its imports", OVERHEAD, result.overhead(worst)),
        ("compiling, without imports, s", COMPILING, compiling),
    ]
    return table(
        ["", "at most", "measured", ""],
        [
            [text, f"{limit:g}", found.text(2), _verdict(found, limit)]
            for text, limit, found in rows
        ],
    )


def _verdict(found: Spread, limit: float) -> str:
    return "reached" if found.median <= limit else "**missed**"


def _tasks(result: Result) -> str:
    def row(name: str) -> list[str]:
        tasks = [one.tasks[name] for one in result.rounds]
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
        "a container that does nothing": lambda one: one.start,
        "imports of a container that launches nodes": lambda one: one.imports,
        "compiling, without imports": lambda one: one.compiling,
        "`kubeflow_runner.py compile`, the whole process": lambda one: one.compiling_process,
    }
    return table(
        ["", "seconds"],
        [[name, _spread(result, figure).text(2)] for name, figure in figures.items()],
    )


def _spread(result: Result, figure: Callable[[Round], float]) -> Spread:
    return Spread.of(figure(one) for one in result.rounds)
