"""The section of the page: what the comparison came to, and how it was made."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.markdown import Spread, table
from benchmarks.pipeline import terms
from benchmarks.pipeline.charts import draw
from benchmarks.pipeline.result import Process, Result
from benchmarks.pipeline.targets import TARGETS, cpu, peak, wall, work
from benchmarks.section import Section
from benchmarks.targets import target_table

CHART = "bench-pipeline.svg"
NAMES = {
    "stock": "stock TFX",
    "same": "ours, the same nodes",
    "full": "ours, with all gates and the report",
    "stock again": "stock TFX, once more",
    "full again": "ours, once more",
}
FRESH = ("stock", "same", "full")
AGAIN = ("stock again", "full again")


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    draw(result, NAMES, images / CHART)
    return {
        "terms": terms,
        "chart": CHART,
        "targets": target_table(TARGETS, result),
        "processes": _processes(result, FRESH),
        "nodes": _nodes(result),
        "extra": _extra(result),
        "cached": _cached(result),
    }


SECTION = Section("pipeline", Result, _values)


def _processes(result: Result, variants: tuple[str, ...]) -> str:
    figures = (wall, cpu, peak, lambda change: change.before, lambda change: change.after)
    head = [
        "",
        "whole process, s",
        "processor, s",
        "peak memory, MiB",
        "until the first node, s",
        "after the last, s",
    ]
    digits = (1, 1, 0, 1, 1)
    rows = [
        [
            NAMES[name],
            *(_cell(result, name, figure, d) for figure, d in zip(figures, digits, strict=True)),
        ]
        for name in variants
    ]
    return table(head, rows)


def _nodes(result: Result) -> str:
    rows = [
        [
            node,
            *(
                _cell(result, name, _node(node, terms.STOCKS_NAMES.get(node, node)), 1)
                for name in FRESH
            ),
        ]
        for node in terms.STOCK_NODES
    ]
    resolver = [_cell(result, "stock", _node(terms.RESOLVER), 1), "-", "-"]
    return table(
        ["seconds", *(NAMES[name] for name in FRESH)],
        [*rows, ["Resolver (latest blessed model)", *resolver]],
    )


def _extra(result: Result) -> str:
    full = [node.node for node in result.rounds[0]["full"].nodes]
    extra = dict.fromkeys(node for node in full if node not in terms.STOCK_NODES)
    rows = [[node, _cell(result, "full", _node(node), 1)] for node in extra]
    rows.append(["the HTML report", _cell(result, "full", lambda row: row.report, 1)])
    return table(["", "seconds"], rows)


def _cached(result: Result) -> str:
    head = [
        "",
        "whole process, s",
        "until the first node, s",
        "work of the nodes, s",
        "nodes from the cache",
    ]
    rows = [
        [
            NAMES[name],
            _cell(result, name, wall, 1),
            _cell(result, name, lambda change: change.before, 1),
            _cell(result, name, work, 1),
            _cached_nodes(result.rounds[-1][name]),
        ]
        for name in AGAIN
    ]
    return table(head, rows)


def _cached_nodes(process: Process) -> str:
    ran = [node.node for node in process.nodes if node.state != "cached"]
    count = f"{len(process.nodes) - len(ran)} of {len(process.nodes)}"
    return f"{count}; not {', '.join(ran)}" if ran else count


def _node(*names: str) -> Callable[[Process], float | None]:
    return lambda measured: measured.seconds(*names)


def _cell(
    result: Result, variant: str, figure: Callable[[Process], float | None], digits: int
) -> str:
    spread: Spread | None = result.spread(variant, figure)
    return spread.text(digits) if spread else "-"
