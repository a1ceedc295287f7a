"""Heat maps: labels beside predictions, for classes and for values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from evergreen.reporting.charts.canvas import (
    CANDIDATE,
    INK,
    MUTED,
    WIDTH,
    Canvas,
    chart,
    short,
)
from evergreen.runs.reports.model import Joint
from evergreen.texts import count

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
MOST = 12
"""The most classes to show: the most frequent ones, the others together."""
READABLE = 8
"""The most classes whose cells have room for a number."""
LONGEST = 16
TICKS = 5
OTHERS = "others"
SHADES, DARKEST = 20, 0.65  # a number on the darkest can be read


@chart
def confusion(cells: Mapping[str, Mapping[str, int]], classes: Sequence[str], label: str) -> Markup:
    """Draws the share of each label's rows by predicted class.

    Args:
        cells: Rows by label and predicted class; absent where there is none.
        classes: The names of the classes, in their order.
        label: The chart in words.
    """
    counts, names = _table(cells, classes)
    rows = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    size, left, top = len(names), 104, 24
    cell = (WIDTH - left - 48) / size
    canvas = Canvas(top + cell * size + 76)
    axes = canvas.axes(left=left, bottom=76, right=48, top=top)
    _cells(axes, shares, np.arange(size + 1.0))
    axes.invert_yaxis()
    for place, name in enumerate(names):
        middle = place + 0.5
        beside: Any = {"va": "center", "color": INK}
        axes.text(-0.02 * size, middle, short(name, LONGEST), ha="right", **beside)
        axes.text(size * 1.02, middle, count(rows[place, 0]), va="center", color=MUTED)
        axes.text(
            middle, size * 1.03, short(name, 12), rotation=40, ha="right", va="top", color=INK,
            rotation_mode="anchor",
        )  # fmt: skip
    if size <= READABLE:
        for (row, column), share in np.ndenumerate(shares):
            text = f"{100 * share:.0f}"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=INK)
    axes.text(-0.02 * size, -0.04 * size, "label", ha="right", color=MUTED)
    axes.text(size / 2, -0.04 * size, "predicted, in % of the label", ha="center", color=MUTED)
    axes.text(size * 1.02, -0.04 * size, "rows", color=MUTED)
    axes.set_axis_off()
    return canvas.svg(label)


@chart
def joint(histogram: Joint, label: str) -> Markup:
    """Draws rows by label and prediction, and the diagonal of exact predictions."""
    canvas = Canvas(WIDTH - 20)
    axes = canvas.axes(left=56, bottom=36, right=12)
    bounds = np.array(histogram.edges)
    area = np.outer(np.diff(bounds), np.diff(bounds))
    density = np.sqrt(np.array(histogram.counts) / area)  # so that sparse cells can be seen, too
    _cells(axes, (density / max(density.max(), 1e-300)).T, bounds)
    axes.plot(bounds[[0, -1]], bounds[[0, -1]], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_xlabel("label", labelpad=3, color=INK)
    axes.set_ylabel("prediction", labelpad=3, color=INK)
    axes.locator_params(nbins=TICKS)
    return canvas.svg(label)


def _cells(axes: Axes, shares: Floats, edges: Floats) -> None:
    """Draws cells [rows, columns] with shares from 0 to 1: all of a shade as one path."""
    sizes = np.diff(edges)
    shades = np.ceil(shares * SHADES).astype(int)
    for shade in np.unique(shades[shades > 0]):
        cells = [
            Path.unit_rectangle().transformed(
                Affine2D().scale(*sizes[[column, row]]).translate(edges[column], edges[row])
            )
            for row, column in np.argwhere(shades == shade)
        ]
        color = to_rgba(CANDIDATE, DARKEST * shade / SHADES)
        axes.add_patch(PathPatch(Path.make_compound_path(*cells), facecolor=color, linewidth=0))
    axes.set(xlim=edges[[0, -1]], ylim=edges[[0, -1]])


def _table(
    cells: Mapping[str, Mapping[str, int]], classes: Sequence[str]
) -> tuple[Counts, list[str]]:
    """Returns counts [k, k] and names: of many classes the most frequent, and the others as one."""
    rows = {name: sum(cells.get(name, {}).values()) for name in classes}
    kept = sorted(classes, key=lambda name: -rows[name])[: MOST - (len(classes) > MOST)]
    names = [name for name in classes if name in kept]
    place = {name: at for at, name in enumerate(names)}
    if len(names) < len(classes):
        names.append(OTHERS)
    counts = np.zeros((len(names), len(names)), np.int64)
    for label, found in cells.items():
        for predicted, cell in found.items():
            counts[place.get(label, -1), place.get(predicted, -1)] += cell
    return counts, names
