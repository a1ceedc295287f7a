"""The section of the page: what the comparisons came to, and how they were made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.markdown import table
from benchmarks.section import Section
from benchmarks.serving import comparing, lean, reloading
from benchmarks.serving.result import Comparison, Load, Result
from benchmarks.serving.targets import TARGETS, p50, p99, qps, rows
from benchmarks.targets import target_table

HEAD = ["", "answers/s", "rows/s", "p50, ms", "p95, ms", "p99, ms", "failed"]


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    del images
    comparisons = result.comparisons.values()
    return {
        "rounds": max(len(comparison.rounds) for comparison in comparisons),
        "targets": target_table(TARGETS, result),
        "tables": {comparison.title: _table(comparison) for comparison in comparisons},
        "lean": lean,
        "batching": " ".join(comparing.BATCHING.split()),
        "reloading": reloading,
    }


SECTION = Section("serving", Result, _values)


def _table(comparison: Comparison) -> str:
    return table(HEAD, [[name, *_cells(comparison, name)] for name in comparison.rounds[0]])


def _cells(comparison: Comparison, name: str) -> list[str]:
    def p95(load: Load) -> float:
        return load.p95

    figures = ((qps, 0), (rows, 0), (p50, 2), (p95, 2), (p99, 2))
    failed = sum(loads[name].failed for loads in comparison.rounds)
    texts = [comparison.spread(name, figure).text(digits) for figure, digits in figures]
    return [*texts, str(failed)]
