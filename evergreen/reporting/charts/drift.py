"""The chart of drift by feature, as a share of the schema's threshold, with its interval."""

from collections.abc import Sequence

from markupsafe import Markup

from evergreen.reporting.charts.canvas import (
    BAD,
    BASELINE,
    CANDIDATE,
    GRID,
    INK,
    MUTED,
    Canvas,
    chart,
    short,
)
from evergreen.runs.reports.data import Drift

ROW = 20
MOST_TICKS = 5
MARKS = {"previous": (CANDIDATE, "o", 6.5), "window": (BASELINE, "D", 5)}
COLORS = {against: color for against, (color, _, _) in MARKS.items()}


def by_feature(drifts: Sequence[Drift]) -> dict[str, dict[str, Drift]]:
    """Returns the distances by feature and reference, surely largest share first."""
    found: dict[str, dict[str, Drift]] = {}
    for drift in sorted(drifts, key=lambda drift: drift.rank, reverse=True):
        found.setdefault(drift.feature, {})[drift.against] = drift
    return found


@chart
def drift(drifts: Sequence[Drift], label: str) -> Markup:
    """Draws a span's distances from the previous span and window, with their intervals."""
    rows = by_feature(drifts)
    canvas = Canvas(ROW * len(rows) + 34)
    axes = canvas.axes(left=160, bottom=30, right=16, top=4)
    for row, (name, distances) in enumerate(rows.items()):
        axes.hlines(
            row, 0, max(distance.share for distance in distances.values()), GRID, linewidth=1.4
        )
        for against, distance in distances.items():
            color, mark, size = MARKS[against]
            color = BAD if distance.exceeded else color
            axes.hlines(row, *distance.reach, color, linewidth=1.6)
            axes.plot(distance.share, row, mark, color=color, markersize=size, clip_on=False)
        exceeded = any(distance.exceeded for distance in distances.values())
        text = f"▲ {short(name, 24)}" if exceeded else short(name)
        axes.annotate(
            text,
            (0, row),
            (-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=BAD if exceeded else INK,
        )
    axes.axvline(1, color=BAD, linewidth=1.2, linestyle=(0, (3, 2)))
    end = max([1.12, *(drift.reach[1] * 1.06 for drift in drifts)])
    axes.set(xlim=(0, end), ylim=(len(rows) - 0.4, -0.6), yticks=[], xticks=_ticks(end))
    axes.set_xticklabels([f"{tick:g}" for tick in _ticks(end)])
    axes.set_xlabel("distance ÷ threshold", color=MUTED, labelpad=2)
    return canvas.svg(label)


def _ticks(end: float) -> list[float]:
    steps = (0.5, 1, 2, 5, 10, 100, 1e3, 1e6, 1e12)
    step = next((step for step in steps if end / step <= MOST_TICKS), end)
    return [step * number for number in range(int(end / step) + 1)]
