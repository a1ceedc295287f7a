"""Two pictures: seconds by rows, node by node, and memory by rows; both axes logarithmic."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.pipeline.charts import STYLE
from benchmarks.scale.result import Result
from benchmarks.scale.targets import Figure as Find
from benchmarks.scale.targets import peak, seconds, wall
from benchmarks.scale.terms import LIMIT, NODES, OURS, STOCK

COLORS = {STOCK: "#d1495b", OURS: "#2f6db3", LIMIT: "#8c96a3"}
ALONE = {"ExampleGen": "ingestion", "StatisticsGen": "statistics", "Trainer": "training"}
"""Comparisons of one node: they have its limit, and sizes beyond those of the pipeline."""
Line = tuple[list[int], list[float]]


@matplotlib.rc_context(STYLE)
def draw_seconds(result: Result, file: Path) -> None:
    """Draws the whole process and each node.

    Args:
        result: The measurements.
        file: The SVG to write.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True).flat
    _draw(
        axes[0], "whole process", {side: _line(result, "pipeline", side, wall) for side in COLORS}
    )
    for at, node in zip(axes[1:], NODES, strict=True):
        _draw(at, node, dict(_of_node(result, node)))
    for at in (axes[0], axes[3]):
        at.set_ylabel("seconds")
    _finish(figure, file)


@matplotlib.rc_context(STYLE)
def draw_memory(result: Result, file: Path) -> None:
    """Draws the peak memory of the pipeline, and of ingestion and statistics alone."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    titles = {
        "pipeline": "whole pipeline",
        "ingestion": "ingestion alone",
        "statistics": "statistics alone",
    }
    for at, (part, title) in zip(axes, titles.items(), strict=True):
        _draw(at, title, {name: _line(result, part, name, peak) for name in COLORS})
    axes[0].set_ylabel("peak memory, MiB")
    _finish(figure, file)


def _of_node(result: Result, node: str) -> Iterator[tuple[str, Line]]:
    """Where a comparison of the node alone has a size too, its figure is taken."""
    for name in COLORS:
        sizes, values = _line(result, "pipeline", name, seconds(node))
        points = dict(zip(sizes, values, strict=True))
        if node in ALONE:
            points |= dict(zip(*_line(result, ALONE[node], name, seconds(node)), strict=True))
        yield name, (sorted(points), [points[size] for size in sorted(points)])


def _line(result: Result, part: str, variant: str, figure: Find) -> Line:
    sizes = result.parts[part].sizes if part in result.parts else []
    spreads = {size: result.spread(part, variant, size, figure) for size in sizes}
    known = {size: spread.median for size, spread in spreads.items() if spread}
    return list(known), list(known.values())


def _draw(axes: Axes, title: str, lines: dict[str, Line]) -> None:
    axes.set(title=title, xscale="log", yscale="log", xlabel="rows")
    for name, (sizes, values) in lines.items():
        axes.plot(sizes, values, marker="o", color=COLORS[name], label=name)
    axes.grid(color="#e4e6ea")
    plain = FuncFormatter(lambda value, _: f"{value:,.15g}")
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())


def _finish(figure: Figure, file: Path) -> None:
    handles, labels = figure.axes[-2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
