"""Monitoring pages: measures over time, and single results."""

import math
from collections import defaultdict
from dataclasses import dataclass

from evergreen.dashboard.pages.page import Asked, NotFoundError, Page
from evergreen.dashboard.world import World
from evergreen.monitoring.results import PAGE, Kind, MonitoringResult, TrafficFinding, result_folder
from evergreen.texts import moment

MOST = 60
"""The number of newest results to draw."""
WIDTH, HEIGHT, PAD = 240, 56, 4


@dataclass(frozen=True)
class Series:
    """A measure over time, as shares of its limits, so that the limit is at 1.

    Attributes:
        points: The points of the line, in SVG's notation.
        limit: The height of the limit in the drawing.
        fired: The points at which it fired.
        newest: The newest finding.
        count: The number of findings.
    """

    name: str
    points: str
    limit: float
    fired: list[tuple[float, float]]
    newest: TrafficFinding
    count: int


def monitors(world: World, asked: Asked) -> Page:
    """Draws every measure over the newest results."""
    del asked
    looks = world.monitored()[-MOST:]
    by_kind: dict[Kind, list[Series]] = defaultdict(list)
    for kind in Kind:
        found = _series([look for _, look in looks], kind)
        if found:
            by_kind[kind] = found
    size = {"width": WIDTH, "height": HEIGHT}
    shown = {"looks": list(reversed(looks)), "kinds": by_kind, **size}
    return Page("monitors", "Monitors", shown)


def result(world: World, asked: Asked) -> Page:
    """Shows one result."""
    found = dict(world.monitored()).get(asked.number("result"))
    if found is None:
        raise NotFoundError("there is no such look at the traffic.", hint="See the page Monitors.")
    findings = sorted(found.findings, key=lambda finding: not finding.fired)
    has_page = (result_folder(world.settings, found) / PAGE).is_file()
    shown = {"result": found, "findings": findings, "has_page": has_page}
    return Page("monitor", f"Traffic from {moment(found.window.start)}", shown)


def _series(looks: list[MonitoringResult], kind: Kind) -> list[Series]:
    found: dict[str, list[tuple[int, TrafficFinding]]] = defaultdict(list)
    for place, look in enumerate(looks):
        for finding in look.findings:
            if finding.kind is kind and not finding.slice:
                found[finding.name].append((place, finding))
    series = [_drawn(name, values, len(looks)) for name, values in found.items()]
    return sorted(series, key=lambda line: (not line.newest.fired, -len(line.fired), line.name))


def _drawn(name: str, values: list[tuple[int, TrafficFinding]], looks: int) -> Series:
    shares = [
        finding.value / finding.threshold if finding.threshold else 0.0 for _, finding in values
    ]
    top = max([1.25, *filter(math.isfinite, shares)])
    shares = [share if math.isfinite(share) else top for share in shares]

    def place(number: int, share: float) -> tuple[float, float]:
        x = PAD + (WIDTH - 2 * PAD) * number / max(looks - 1, 1)
        return round(x, 1), round(HEIGHT - PAD - (HEIGHT - 2 * PAD) * share / top, 1)

    points = [place(number, share) for (number, _), share in zip(values, shares, strict=True)]
    fired = [point for point, (_, finding) in zip(points, values, strict=True) if finding.fired]
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    return Series(name, line, place(0, 1)[1], fired, values[-1][1], len(values))
