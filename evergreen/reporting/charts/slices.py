"""Forest plot: the loss of candidate and baseline on each slice of the data."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from evergreen.reporting.charts.canvas import (
    BASELINE,
    CANDIDATE,
    FAINT,
    GRID,
    INK,
    MUTED,
    Canvas,
    chart,
    short,
)
from evergreen.runs.reports.model import Estimate, Slice

ROW = 26
LEFT, RIGHT = 168, 44
ABBREVIATED = {"auc", "mae", "rmse"}
MODELS = {"candidate": (CANDIDATE, "o", -0.16), "baseline": (BASELINE, "D", 0.18)}


def titled(metric: str) -> str:
    """Returns the name of a metric for people."""
    text = metric.replace("_", " ")
    return text.upper() if metric in ABBREVIATED else f"{text[0].upper()}{text[1:]}"


@chart
def forest(slices: Sequence[Slice], label: str, loss: str = "log_loss") -> Markup:
    """Draws a loss with 95 % intervals by slice; slices that do not decide are grey."""
    canvas = Canvas(ROW * len(slices) + 54)
    axes = canvas.axes(left=LEFT, bottom=32, right=RIGHT, top=20)
    for row, part in enumerate(slices):
        _row(axes, row, part, loss)
    end = _right_end(slices, loss)
    axes.set(xlim=(0, end), ylim=(len(slices) - 0.4, -0.6), yticks=[])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"{loss.replace('_', ' ')}, smaller is better", labelpad=3, color=MUTED)
    axes.annotate(
        "rows",
        (1, 1),
        (RIGHT - 4, 10),
        "axes fraction",
        "offset points",
        ha="right",
        va="center",
        color=MUTED,
    )
    return canvas.svg(label)


def _row(axes: Axes, row: int, part: Slice, metric: str) -> None:
    ink = INK if part.decides else MUTED
    beside: Any = {"textcoords": "offset points", "va": "center", "ha": "right", "color": ink}
    beside["xycoords"] = axes.get_yaxis_transform()
    axes.annotate(short(part.name, 28), (0, row), (-8, 0), **beside)
    axes.annotate(f"{part.rows:,}", (1, row), (RIGHT - 4, 0), **beside)
    axes.axhline(row + 0.5, color=GRID, linewidth=0.6)
    for name, (color, mark, shift) in MODELS.items():
        if loss := _loss(part, name, metric):
            shade = color if part.decides else FAINT
            axes.hlines(row + shift, loss.low, loss.high, shade, linewidth=1.6)
            axes.plot(loss.value, row + shift, mark, color=shade, markersize=5)


def _loss(part: Slice, model: str, metric: str) -> Estimate | None:
    """Returns the loss of a model; None without a model, or with too few rows."""
    metrics = part.baseline if model == "baseline" else part.candidate
    return metrics.known.get(metric) if metrics else None


def _right_end(slices: Sequence[Slice], metric: str) -> float:
    """Returns the end of the axis; intervals of slices that do not decide may be cut there."""
    ends = [
        loss.high if part.decides else 1.2 * loss.value
        for part in slices
        for model in MODELS
        if (loss := _loss(part, model, metric))
    ]
    return 1.05 * max(ends, default=0) or 1.0
