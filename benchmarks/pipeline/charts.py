"""One picture of the comparison: where the time of each process goes, and its peak memory."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.markdown import Spread
from benchmarks.pipeline.result import Process, Result
from benchmarks.pipeline.targets import peak, wall
from benchmarks.pipeline.terms import KEPT_NODES, RESOLVER, STOCKS_NAMES

START, GATES, OTHER = "until the first node", "gates and report", "everything else"
NO_GATES = (*KEPT_NODES, *STOCKS_NAMES.values(), RESOLVER)
COLORS = {
    START: "#b9bec6",
    "ExampleGen": "#e0a030",
    "StatisticsGen": "#7a5195",
    "Transform": "#2f6db3",
    "Trainer": "#3a9c8f",
    "Evaluator": "#84b84c",
    GATES: "#d1495b",
    OTHER: "#e4e6ea",
}
INK = "#24292f"
# White, since the page may be shown on a dark ground.
STYLE = {
    "figure.facecolor": "white",
    "text.color": INK,
    "axes.edgecolor": "#d0d7de",
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "evergreen",
}


@matplotlib.rc_context(STYLE)
def draw(result: Result, names: Mapping[str, str], file: Path) -> None:
    """Draws the variants below each other.

    Args:
        result: The measurements.
        names: What people call the variants, in their order.
        file: The SVG to write.
    """
    figure = Figure(figsize=(10, 4.3), layout="constrained")
    time, memory = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    _draw_time(time, result, list(names))
    _draw_memory(memory, result, list(names))
    time.set_yticks(range(len(names)), names.values())
    time.invert_yaxis()
    memory.tick_params(left=False)
    handles, labels = time.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})


def _draw_time(axes: Axes, result: Result, variants: Sequence[str]) -> None:
    parts = [_parts(result, name) for name in variants]
    left = [0.0] * len(parts)
    for label, color in COLORS.items():
        widths = [part[label] for part in parts]
        axes.barh(range(len(parts)), widths, left=left, color=color, label=label, height=0.62)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    _mark(axes, [_spread(result, name, wall) for name in variants])
    axes.set_xlabel("whole process, seconds")


def _draw_memory(axes: Axes, result: Result, variants: Sequence[str]) -> None:
    spreads = [_spread(result, name, peak) for name in variants]
    axes.barh(
        range(len(spreads)), [spread.median for spread in spreads], color="#8c96a3", height=0.62
    )
    _mark(axes, spreads)
    axes.set_xlabel("peak memory, MiB")


def _mark(axes: Axes, spreads: Sequence[Spread]) -> None:
    """Writes the median at the end of each bar, and shows least and most as a line."""
    for row, spread in enumerate(spreads):
        axes.plot([spread.low, spread.high], [row, row], color=INK, linewidth=1.5)
        axes.annotate(
            f"{spread.median:,.0f}",
            (max(spread.high, spread.median), row),
            (4, 0),
            textcoords="offset points",
            verticalalignment="center",
        )
    axes.margins(x=0.12)
    axes.set_xlim(left=0)


def _parts(result: Result, variant: str) -> dict[str, float]:
    """Medians of the parts, and what they leave of the median of the whole."""
    parts = {label: _spread(result, variant, _part(label)).median for label in list(COLORS)[:-1]}
    whole = _spread(result, variant, wall).median
    return parts | {OTHER: max(0.0, whole - sum(parts.values()))}


def _part(label: str) -> Callable[[Process], float]:
    if label == START:
        return lambda process: process.before
    if label == GATES:
        return lambda process: sum(
            (node.seconds for node in process.nodes if node.node not in NO_GATES),
            start=process.report or 0.0,
        )
    return lambda process: process.seconds(label, STOCKS_NAMES.get(label, label)) or 0.0


def _spread(result: Result, variant: str, figure: Callable[[Process], float]) -> Spread:
    return Spread.of(figure(measured[variant]) for measured in result.rounds)
