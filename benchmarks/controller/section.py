"""The section of the page: how soon runs start, and what waiting costs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.controller.result import Result, Round
from benchmarks.markdown import Spread, table
from benchmarks.section import Section
from benchmarks.targets import Target, target_table

Figure = Callable[[Round], float]
TARGETS = (
    Target[Result](
        "from event to first node, of a cold run",
        0.5,
        lambda result: _spread(result, lambda measured: measured.started / measured.cold),
    ),
    Target[Result](
        "processor time while it waits",
        1,
        lambda result: _spread(result, _idle),
        unit=" % of a core",
    ),
)


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    del images
    figures: tuple[tuple[str, Figure, int, str], ...] = (
        ("from the landing of a span to the decision", lambda result: result.decided, 2, "s"),
        (
            "from the landing of a span to the first node of its run",
            lambda result: result.started,
            1,
            "s",
        ),
        ("from the start of `evergreen run` to its first node", lambda result: result.cold, 1, "s"),
        ("processor time of the waiting controller", _idle, 2, "% of a core"),
        (
            "memory of the controller, and of the process that runs are forked from",
            lambda result: result.memory,
            0,
            "MiB",
        ),
    )
    rows = [
        [text, f"{_spread(result, figure).text(digits)} {unit}"]
        for text, figure, digits, unit in figures
    ]
    return {"targets": target_table(TARGETS, result), "figures": table(["", ""], rows)}


SECTION = Section("controller", Result, _values)


def _idle(measured: Round) -> float:
    """Percent of a core."""
    return 100 * measured.idle


def _spread(result: Result, figure: Figure) -> Spread:
    return Spread.of(figure(measured) for measured in result.rounds)
