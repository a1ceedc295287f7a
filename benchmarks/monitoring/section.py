"""The section of the page: figures of all variants, and what they were held to."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.markdown import Spread, table
from benchmarks.monitoring.comparing import LARGE, OURS, RIVAL, SMALL
from benchmarks.monitoring.result import Result, Run

HEAD = ["", "rows", "rows/s", "from files to figures, s", "whole process, s", "peak memory, MiB"]
GROWTH = 100
"""MiB: labels take 17 bytes a row while they are joined; nothing else may grow."""


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
        result=result,
        rounds=len(result.rounds),
        targets=_targets(result),
        figures=table(HEAD, [[name, *_cells(result, name)] for name in result.rounds[0]]),
        rows=result.rounds[0][OURS].rows,
    )


def _targets(result: Result) -> str:
    speed = result.ratio(OURS, RIVAL, lambda run: run.speed)
    memory = result.ratio(OURS, RIVAL, lambda run: run.peak)
    growth = Spread.of(_growth(one) for one in result.rounds)
    rows = [
        ("rows/s, of Evidently's", "at least 1", speed.text(2), speed.median >= 1),
        ("peak memory, of Evidently's", "at most 1", memory.text(2), memory.median <= 1),
        (
            "memory that a million more rows take",
            f"at most {GROWTH} MiB",
            f"{growth.text(0)} MiB",
            growth.median <= GROWTH,
        ),
    ]
    return table(["", "wanted", "measured", ""], [[*words, _verdict(ok)] for *words, ok in rows])


def _growth(one: Mapping[str, Run]) -> float:
    """MiB a million rows."""
    more = one[LARGE].rows - one[SMALL].rows
    return (one[LARGE].peak - one[SMALL].peak) * 1e6 / more


def _verdict(reached: bool) -> str:
    return "reached" if reached else "**missed**"


def _cells(result: Result, name: str) -> list[str]:
    figures = ((lambda run: run.speed, 0), (lambda run: run.seconds, 1),
               (lambda run: run.wall, 1), (lambda run: run.peak, 0))  # fmt: skip
    texts = [result.spread(name, figure).text(digits) for figure, digits in figures]
    return [f"{result.rounds[0][name].rows:,}", *texts]
