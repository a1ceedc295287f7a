"""Small multiples: the distribution of a feature in a span, and in the previous span."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from evergreen.quality.statistics import Feature
from evergreen.reporting.charts.canvas import (
    BASELINE,
    CANDIDATE,
    GRID,
    INK,
    MUTED,
    SOFT,
    Canvas,
    chart,
    short,
)
from evergreen.texts import percent

CELL = 250
TEXT = 10
TOP_VALUES = 6
ROW = 18
LONG = 1e5
"""Larger values need wide labels on an axis."""


@chart
def numbers(feature: Feature, before: Feature | None, label: str, is_time: bool = False) -> Markup:
    """Draws the histogram of a number, filled; the previous span's as a line."""
    canvas = Canvas(118, CELL)
    axes = canvas.axes(left=6, bottom=20, right=16, top=4)
    whole = not (feature.has_tail or (before and before.has_tail))
    newest = feature.histogram(whole)
    assert newest is not None
    axes.stairs(newest.density, newest.edges, fill=True, color=SOFT)
    axes.stairs(newest.density, newest.edges, color=CANDIDATE, linewidth=1.2)
    older = before.histogram(whole) if before else None
    if older is not None:
        axes.stairs(older.density, older.edges, color=BASELINE, linewidth=1.5, baseline=None)
    _value_axis(axes, _date if is_time else _plain, feature.is_integer)
    return canvas.svg(label)


@chart
def categories(feature: Feature, before: Feature | None, label: str) -> Markup:
    """Draws the shares of the most frequent values; the previous span's as marks."""
    shares = feature.top(TOP_VALUES)
    canvas = Canvas(ROW * max(len(shares), 2) + 8, CELL)
    axes = canvas.axes(left=118, bottom=4, right=38, top=4)
    rows = np.arange(len(shares))
    axes.barh(rows, list(shares.values()), height=0.62, color=SOFT, edgecolor=CANDIDATE)
    for row, value in enumerate(shares):
        axes.text(-0.02, row, short(value, 18), ha="right", va="center", size=TEXT)
    older = before.top(len(before.text.top_values)) if before and before.text else {}
    marks = [older.get(value, 0.0) for value in shares] if older else []
    axes.vlines(
        marks, rows[: len(marks)] - 0.42, rows[: len(marks)] + 0.42, BASELINE, linewidth=2.4
    )
    for row, share in enumerate(shares.values()):
        end = max([share, *marks[row : row + 1]])
        axes.text(
            end + 0.02,
            row,
            f"{100 * share:.0f}\N{NO-BREAK SPACE}%",
            va="center",
            size=TEXT,
            color=MUTED,
        )
    axes.set(xlim=(0, max([*shares.values(), *marks, 0.01])), ylim=(len(rows) - 0.5, -0.5))
    axes.set_axis_off()
    return canvas.svg(label)


@chart
def missing(shares: dict[str, tuple[float, float | None]], label: str) -> Markup:
    """Draws shares of rows without a value as bars; the previous span's as marks."""
    canvas = Canvas(ROW * len(shares) + 8)
    axes = canvas.axes(left=160, bottom=4, right=52, top=4)
    for row, (name, (share, before)) in enumerate(shares.items()):
        axes.barh(row, 1, height=0.62, color=GRID, alpha=0.5)
        axes.barh(row, share, height=0.62, color=CANDIDATE)
        if before is not None:
            axes.vlines(before, row - 0.45, row + 0.45, BASELINE, linewidth=2.4)
        axes.text(-0.02, row, short(name), ha="right", va="center", color=INK)
        axes.text(1.02, row, percent(share), va="center", color=MUTED)
    axes.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5))
    axes.set_axis_off()
    return canvas.svg(label)


def _value_axis(axes: Axes, text: Callable[[float], str], is_integer: bool) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=is_integer))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.tick_params(axis="x", labelsize=TEXT, pad=3)
    ends = axes.dataLim.intervalx
    if max(ends) > LONG:
        axes.set_xticks(ends)
        first, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) > LONG else f"{value:,.6g}"


def _date(value: float) -> str:
    """Returns the month of a point in time; the plain number if it is beyond the calendar."""
    try:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m}"
    except (ValueError, OverflowError, OSError):
        return _plain(value)
