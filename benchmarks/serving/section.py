"""The section of the page: what the comparisons came to, and how they were made."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.markdown import table
from benchmarks.serving import comparing, lean, reloading
from benchmarks.serving.result import Comparison, Load, Result
from benchmarks.serving.targets import TARGETS, Target, p50, p99, qps, rows

HEAD = ["", "answers/s", "rows/s", "p50, ms", "p95, ms", "p99, ms", "failed"]


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
        rounds=max(len(one.rounds) for one in result.comparisons.values()),
        targets=_targets(result),
        tables={one.title: _table(one) for one in result.comparisons.values()},
        lean=lean,
        batching=" ".join(comparing.BATCHING.split()),
        reloading=reloading,
    )


def _targets(result: Result) -> str:
    reached = [
        [target.text, _limit(target), _measured(target, one), _verdict(target, one)]
        for target in TARGETS
        if (one := result.comparisons.get(target.of))
    ]
    return table(["", "wanted", "measured", ""], reached)


def _limit(target: Target) -> str:
    return f"{'at least' if target.at_least else 'at most'} {target.limit:g}{target.unit}"


def _measured(target: Target, one: Comparison) -> str:
    digits = 0 if target.limit == 0 else 2
    return f"{target.figure(one).text(digits)}{target.unit}"


def _verdict(target: Target, one: Comparison) -> str:
    return "reached" if target.is_reached(one) else "**missed**"


def _table(one: Comparison) -> str:
    return table(HEAD, [[name, *_cells(one, name)] for name in one.rounds[0]])


def _cells(one: Comparison, name: str) -> list[str]:
    def p95(load: Load) -> float:
        return load.p95

    figures = ((qps, 0), (rows, 0), (p50, 2), (p95, 2), (p99, 2))
    failed = sum(loads[name].failed for loads in one.rounds)
    return [*(one.spread(name, figure).text(digits) for figure, digits in figures), str(failed)]
