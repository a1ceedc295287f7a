"""The section of the page: how long one waits for a page of the dashboard."""

from pathlib import Path

import numpy as np

from benchmarks.dashboard.asking import Result
from benchmarks.markdown import table

SERVER_MS = 200.0
"""What a page is to take at most, at its 95th percentile."""
PAINT_MS = 1000.0
"""Until when something is to be seen."""


def render(stored: str, images: Path) -> str:
    """Returns the section in Markdown.

    Args:
        stored: The JSON of a `Result`.
        images: The folder of images, beside the page; this section has none.
    """
    del images
    result = Result.model_validate_json(stored)
    where = result.machine
    return f"""\
## Dashboard

Pages of [`evergreen dashboard`](dashboard.md) over a store (SQLite) of {result.runs:,} runs with
{result.artifacts:,} artifacts, made by `benchmarks/lineage/history.py`; asked for over HTTP, and in
chromium without a window. Measured on {result.started:%Y-%m-%d} on {where.processor},
{where.cores} cores, with a load of {where.load:.1f} before.

{_pages(result)}"""


def _pages(result: Result) -> str:
    rows = []
    for path, values in result.asked.items():
        p95, painted = float(np.percentile(values, 95)), max(result.painted[path])
        held = p95 <= SERVER_MS and painted <= PAINT_MS
        cells = [f"`{path}`", f"{np.median(values):.0f}", f"{p95:.0f}", f"{painted:.0f}"]
        rows.append([*cells, "reached" if held else "**missed**"])
    head = ["page", "median, ms", f"p95, ms (at most {SERVER_MS:g})",
            f"first paint, slowest, ms (at most {PAINT_MS:g})", ""]  # fmt: skip
    return table(head, rows)
