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
    Canvas,
    chart,
)
from evergreen.runs.reports.model import Curves

MODELS = {"baseline": BASELINE, "candidate": CANDIDATE}  # the candidate is drawn on top
SPLITS = {"loss": ("train", BASELINE), "val_loss": ("eval", CANDIDATE)}
SHARES = np.linspace(0, 1, 5)


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
    canvas, axes = _unit_square("false positive rate", "true positive rate")
    for name, color in MODELS.items():
        if drawn := curves.get(name):
            x, y = zip(*drawn.roc, strict=True) if drawn.roc else ((), ())
            axes.plot(x, y, color=color, linewidth=1.8, clip_on=False)
    return canvas.svg(label)


@chart
def calibration(curves: Mapping[str, Curves | None], label: str) -> Markup:
    """Draws the rate of label 1 among rows with similar predictions, with 95 % intervals."""
    canvas, axes = _unit_square("mean prediction", "observed share")
    for name, color in MODELS.items():
        drawn = curves.get(name)
        bins = drawn.calibration if drawn else []
        x = [bucket.predicted for bucket in bins]
        axes.vlines(x, [bucket.low for bucket in bins], [bucket.high for bucket in bins], color)
        mark = "o" if name == "candidate" else "D"
        axes.plot(x, [bucket.observed for bucket in bins], mark, color=color, markersize=5)
    return canvas.svg(label)


def _unit_square(x: str, y: str) -> tuple[Canvas, Axes]:
    canvas = Canvas(WIDTH_OF_SQUARE - 8)
    axes = canvas.axes(left=48, bottom=36, right=12)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=SHARES, yticks=SHARES)
    axes.grid()
    _label(axes, x, y)
    return canvas, axes


WIDTH_OF_SQUARE = 348


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, labelpad=3, color=INK)
    axes.set_ylabel(y, labelpad=3, color=INK)
