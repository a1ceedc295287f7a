"""`python -m tests.unit.evaluation.shifted`: how often drift is found, in `docs/monitoring.md`.

Samples are drawn from known distributions, before and after a shift, and compared as the data gate
does. A distance is beyond a limit if its whole interval at 95 % is.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evergreen.evaluation.distances import distances
from evergreen.quality.samples import of_numbers, of_text

DOCS = Path(__file__).parents[3] / "docs/monitoring.md"
DRAWS, LEVEL = 100, 0.95
ROWS = (100, 300, 3000)
SHIFTS = (0.0, 0.25, 0.5, 1.0)
NAMES = np.array([*"abcdef"], object)
SHARES = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
Random = np.random.Generator
Sample = Callable[[Random, int, float], NDArray[np.generic]]


def normal(random: Random, rows: int, shift: float) -> NDArray[np.generic]:
    """A normal distribution, moved by standard deviations."""
    return random.normal(shift, 1, rows)


def frequent(random: Random, rows: int, shift: float) -> NDArray[np.generic]:
    """The same, half of it in steps of half a standard deviation."""
    values = random.normal(shift, 1, rows)
    return np.where(random.random(rows) < 0.5, np.round(values * 2) / 2, values)


def category(random: Random, rows: int, shift: float) -> NDArray[np.generic]:
    """Six texts; a fifth of the shift goes from the most frequent one to the next."""
    moved = SHARES + np.array([-1, 1, 0, 0, 0, 0]) * shift / 5
    return random.choice(NAMES, rows, p=moved)


SAMPLES: dict[str, tuple[Sample, float]] = {
    "normal": (normal, 0.01),
    "half in few values": (frequent, 0.01),
    "text": (category, 0.02),
}
"""How to draw each kind of feature, and its limit."""


@cache
def rates(kind: str, rows: int, shift: float) -> tuple[float, float]:
    """Returns the share of draws that are surely beyond 0, and beyond the limit.

    The reference is three times as long, as a window of three spans.
    """
    draw, limit = SAMPLES[kind]
    of = of_text if kind == "text" else of_numbers
    random = np.random.default_rng([rows, int(shift * 100)])
    least = np.empty(DRAWS)
    for number in range(DRAWS):
        before = [{"x": of("x", draw(random, rows, 0.0))} for _ in range(3)]
        now = {"x": of("x", draw(random, rows, shift))}
        least[number] = distances(before, now, LEVEL)["x"].interval[0]
    return float((least > 0).mean()), float((least > limit).mean())


def table() -> str:
    """Returns the rates as a Markdown table."""
    head = "| feature, limit | rows | equal: beyond 0 | equal: beyond the limit |"
    lines = [head + "".join(f" shift of {shift:g} |" for shift in SHIFTS[1:]), "| --- " * 7 + "|"]
    for kind, (_, limit) in SAMPLES.items():
        for rows in ROWS:
            found = [rates(kind, rows, 0.0)[0], *(rates(kind, rows, shift)[1] for shift in SHIFTS)]
            cells = "".join(f" {share:.0%} |".replace("%", " %") for share in found)
            lines.append(f"| {kind}, {limit:g} | {rows:,} |{cells}")
    return "\n".join(lines)


def written(text: str) -> str:
    """Returns the page with the present table in place of its old one."""
    start = text.index("| feature, limit |")
    return text[:start] + table() + text[text.index("\n\n", start) :]


if __name__ == "__main__":
    DOCS.write_text(written(DOCS.read_text()))
