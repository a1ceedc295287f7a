"""The tables of the section."""

from collections.abc import Iterator

from benchmarks.markdown import Spread, table
from benchmarks.scale.result import Result
from benchmarks.scale.targets import Figure, before, cpu, peak, seconds, wall
from benchmarks.scale.terms import LIMIT, NODES, OURS, STOCK

SIDES = (STOCK, OURS)


def processes(result: Result) -> str:
    """Whole processes of all sizes."""
    head = ["rows", "", "whole process, s", "processor, s", "peak memory, MiB", "rows/s"]
    part = result.parts["pipeline"]
    rows = [
        [f"{size:,}", side, *_cells(result, "pipeline", side, size, wall, cpu, peak), speed]
        for size in part.sizes
        for side in SIDES
        if (speed := _speed(result.spread("pipeline", side, size, wall), size)) != "-"
    ]
    return table(head, rows)


def nodes(result: Result, rows: int) -> str:
    """Nodes at one size."""
    heads = ("s", "rows/s", "processor, s", "peak memory, MiB")
    head = ["", *(f"{side}: {head}" for head in heads for side in SIDES)]
    return table(head, [[node, *_of_node(result, node, rows)] for node in NODES])


def _of_node(result: Result, node: str, rows: int) -> Iterator[str]:
    taken = [result.spread("pipeline", side, rows, seconds(node)) for side in SIDES]
    yield from (_text(work, 1) for work in taken)
    yield from (_speed(work, rows) for work in taken)
    figures: tuple[tuple[Figure, int], ...] = (
        (lambda run: (work := run.of(node)) and work.cpu, 1),
        (lambda run: (work := run.of(node)) and work.peak, 0),
    )
    for figure, digits in figures:
        yield from (_text(result.spread("pipeline", side, rows, figure), digits) for side in SIDES)


def alone(result: Result, part: str, node: str) -> str:
    """Processes that do the work of one node."""
    head = ["rows", "", "work, s", "rows/s", "processor, s", "whole process, s",
            "memory before, MiB", "peak memory, MiB"]  # fmt: skip
    rows = []
    for size in result.parts[part].sizes:
        for variant in _ordered(result.parts[part].variants):
            taken = result.spread(part, variant, size, seconds(node))
            if taken:
                cells = _cells(result, part, variant, size, _work_cpu(node), wall, before, peak)
                rows.append([f"{size:,}", variant, taken.text(1), _speed(taken, size), *cells])
    return table(head, rows)


def distance(result: Result, part: str, node: str) -> str:
    """Seconds of a node in the pipeline, beside those of its straight line."""
    head = ["rows", *(f"{side}, s" for side in SIDES), f"{LIMIT}, s", "stock TFX, of the limit",
            "ours, of the limit"]  # fmt: skip
    rows = []
    for size in result.parts[part].sizes:
        limit = (part, LIMIT, size)
        cells = [_text(result.spread("pipeline", side, size, seconds(node)), 1) for side in SIDES]
        ratios = [
            _text(result.ratio(("pipeline", side, size), limit, seconds(node)), 1) for side in SIDES
        ]
        if cells != ["-", "-"]:
            line = _text(result.spread(*limit, seconds(node)), 1)
            rows.append([f"{size:,}", *cells, line, *ratios])
    return table(head, rows)


def _work_cpu(node: str) -> Figure:
    return lambda run: (work := run.of(node)) and work.cpu


def _ordered(variants: list[str]) -> list[str]:
    """Stock, then each of ours before its limit."""
    return sorted(
        variants, key=lambda name: (name != STOCK, name.replace(LIMIT, OURS), name == LIMIT)
    )


def _cells(result: Result, part: str, variant: str, rows: int, *figures: Figure) -> list[str]:
    return [
        _text(result.spread(part, variant, rows, figure), 0 if figure in (peak, before) else 1)
        for figure in figures
    ]


def _text(spread: Spread | None, digits: int) -> str:
    return spread.text(digits) if spread else "-"


def _speed(taken: Spread | None, rows: int) -> str:
    return f"{rows / taken.median:,.0f}" if taken else "-"
