"""The section of the page: how long it takes to start, and how that was measured."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.markdown import Spread, table
from benchmarks.startup.entry_points import CONTAINER, PROGRAMS
from benchmarks.startup.result import Result

AT_MOST = 0.6


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
        result=result, targets=_targets(result), entry_points=_entry_points(result)
    )


def _targets(result: Result) -> str:
    found = result.ratio(CONTAINER)
    verdict = "reached" if found.median <= AT_MOST else "**missed**"
    row = [f"{CONTAINER}: of `from tfx import v1`", f"{AT_MOST:g}", found.text(2), verdict]
    return table(["", "at most", "measured", ""], [row])


def _entry_points(result: Result) -> str:
    def row(name: str) -> list[str]:
        rounds = [one[name] for one in result.rounds]
        return [
            name,
            Spread.of(one.wall for one in rounds).text(1),
            Spread.of(one.cpu for one in rounds).text(1),
            Spread.of(one.peak for one in rounds).text(0),
            result.ratio(name).text(2),
        ]

    head = ["", "process, s", "processor, s", "memory, MiB", "of `from tfx import v1`"]
    return table(head, [row(name) for name in PROGRAMS])
