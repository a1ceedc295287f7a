"""The section of the page: figures of all variants, and what they were held to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.markdown import Spread, table
from benchmarks.monitoring.comparing import LARGE, OURS, RIVAL, SMALL
from benchmarks.monitoring.result import Result, Run
from benchmarks.section import Section
from benchmarks.targets import Target, target_table

HEAD = ["", "rows", "rows/s", "from files to figures, s", "whole process, s", "peak memory, MiB"]
TARGETS = (
    Target[Result](
        "rows/s, of Evidently's",
        1,
        lambda result: result.ratio(OURS, RIVAL, lambda run: run.speed),
        at_least=True,
    ),
    Target[Result](
        "peak memory, of Evidently's",
        1,
        lambda result: result.ratio(OURS, RIVAL, lambda run: run.peak),
    ),
    # Labels take 17 bytes a row while they are joined; nothing else may grow.
    Target[Result](
        "memory that a million more rows take",
        100,
        lambda result: Spread.of(_growth(variants) for variants in result.rounds),
        unit=" MiB",
        digits=0,
    ),
)


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    del images
    return {
        "targets": target_table(TARGETS, result),
        "figures": table(HEAD, [[name, *_cells(result, name)] for name in result.rounds[0]]),
        "rows": result.rounds[0][OURS].rows,
    }


SECTION = Section("monitoring", Result, _values)


def _growth(variants: Mapping[str, Run]) -> float:
    """MiB a million rows."""
    more = variants[LARGE].rows - variants[SMALL].rows
    return (variants[LARGE].peak - variants[SMALL].peak) * 1e6 / more


def _cells(result: Result, name: str) -> list[str]:
    figures = ((lambda run: run.speed, 0), (lambda run: run.seconds, 1),
               (lambda run: run.wall, 1), (lambda run: run.peak, 0))  # fmt: skip
    texts = [result.spread(name, figure).text(digits) for figure, digits in figures]
    return [f"{result.rounds[0][name].rows:,}", *texts]
