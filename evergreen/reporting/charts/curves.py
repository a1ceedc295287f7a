"""Curves of a model: its training, ROC and calibration."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from evergreen.reporting.charts.canvas import (
    BASELINE,
    CANDIDATE,
    INK,
    MUTED,
    SOFT,
    Canvas,
    chart,
)
from evergreen.runs.reports.model import Bin, Curves
from evergreen.settings.task import Task

MODELS = {"baseline": BASELINE, "candidate": CANDIDATE}  # the candidate is drawn on top
SPLITS = {"loss": ("train", BASELINE), "val_loss": ("eval", CANDIDATE)}
SHARES = np.linspace(0, 1, 5)
WIDTH_OF_SQUARE, SMALL = 348, 238


@chart
def training(history: Mapping[str, Sequence[float]], label: str) -> Markup:
    """Draws the loss by epoch, and marks the epoch whose weights were kept."""
    canvas = Canvas(230)
    axes = canvas.axes(left=48, bottom=36, right=12)
    for name, (_, color) in SPLITS.items():
        losses = history.get(name, [])
        axes.plot(range(1, len(losses) + 1), losses, color=color, linewidth=1.8)
    if kept := best_epoch(history):
        axes.plot(kept, history["val_loss"][kept - 1], "o", color=CANDIDATE, markersize=7)
        axes.axvline(kept, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    _label(axes, "epoch", "loss")
    return canvas.svg(label)


def best_epoch(history: Mapping[str, Sequence[float]]) -> int | None:
    """Returns the epoch with the lowest loss on the eval split, from 1; None without any."""
    losses = history.get("val_loss")
    return int(np.nanargmin(losses)) + 1 if losses and np.isfinite(losses).any() else None


@chart
def roc(curves: Mapping[str, Curves | None], label: str) -> Markup:
    """Draws true against false positive rates."""
    canvas, axes = _square("false positive rate", "true positive rate")
    for name, color in MODELS.items():
        if drawn := curves.get(name):
            x, y = zip(*drawn.roc, strict=True) if drawn.roc else ((), ())
            axes.plot(x, y, color=color, linewidth=1.8, clip_on=False)
    return canvas.svg(label)


@chart
def calibration(
    models: Mapping[str, Sequence[Bin]],
    label: str,
    task: Task = Task.BINARY,
    is_small: bool = False,
) -> Markup:
    """Draws the mean label, or the share of a class, of rows with similar predictions.

    Args:
        models: The bins of each model.
        label: The chart in words.
        task: Values have another scale than shares.
        is_small: Whether it is one of many.
    """
    if task is Task.REGRESSION:
        buckets = [bucket for bins in models.values() for bucket in bins]
        ends = [end for bucket in buckets for end in (bucket.low, bucket.high, bucket.predicted)]
        canvas, axes = _square("mean prediction", "mean label", _around(ends))
    else:
        side = SMALL if is_small else WIDTH_OF_SQUARE
        canvas, axes = _square("mean prediction", "observed share", side=side)
    for name, color in MODELS.items():
        bins = models.get(name, ())
        x = [bucket.predicted for bucket in bins]
        axes.vlines(x, [bucket.low for bucket in bins], [bucket.high for bucket in bins], color)
        mark = "o" if name == "candidate" else "D"
        axes.plot(x, [bucket.observed for bucket in bins], mark, color=color, markersize=5)
    return canvas.svg(label)


@chart
def residuals(curves: Mapping[str, Curves | None], label: str) -> Markup:
    """Draws the distribution of predictions less labels; a line at none."""
    canvas = Canvas(230)
    axes = canvas.axes(left=16, bottom=36, right=16)
    for name, color in MODELS.items():
        if (drawn := curves.get(name)) and (found := drawn.residuals):
            edges = np.array(found.edges)
            density = np.array(found.counts) / max(sum(found.counts), 1) / np.diff(edges)
            if name == "candidate":
                axes.stairs(density, edges, fill=True, color=SOFT)
            axes.stairs(density, edges, color=color, linewidth=1.5, baseline=None)
    axes.axvline(0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("prediction less label", labelpad=3, color=INK)
    return canvas.svg(label)


def _square(
    x: str, y: str, ends: tuple[float, float] = (0, 1), side: float = WIDTH_OF_SQUARE
) -> tuple[Canvas, Axes]:
    canvas = Canvas(side - 8, side + 12)
    axes = canvas.axes(left=48, bottom=36, right=12)
    axes.plot(ends, ends, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set(xlim=ends, ylim=ends)
    if ends == (0, 1):
        axes.set(xticks=SHARES, yticks=SHARES)
    axes.grid()
    _label(axes, x, y)
    return canvas, axes


def _around(ends: Sequence[float]) -> tuple[float, float]:
    """Returns the ends of an axis with some room."""
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.04 * (high - low) or 0.5
    return low - room, high + room


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, labelpad=3, color=INK)
    axes.set_ylabel(y, labelpad=3, color=INK)
