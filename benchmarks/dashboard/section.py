"""The section of the page: how long one waits for a page of the dashboard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dashboard.asking import Result
from benchmarks.markdown import table
from benchmarks.section import Section
from benchmarks.targets import verdict

SERVER_MS = 200.0
"""The target for the 95th percentile of a page."""
PAINT_MS = 1000.0
"""Until when something is to be seen."""


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    del images
    return {"pages": _pages(result)}


SECTION = Section("dashboard", Result, _values)


def _pages(result: Result) -> str:
    rows = []
    for path, values in result.asked.items():
        p95, painted = float(np.percentile(values, 95)), max(result.painted[path])
        held = p95 <= SERVER_MS and painted <= PAINT_MS
        cells = [f"`{path}`", f"{np.median(values):.0f}", f"{p95:.0f}", f"{painted:.0f}"]
        rows.append([*cells, verdict(held)])
    head = ["page", "median, ms", f"p95, ms (at most {SERVER_MS:g})",
            f"first paint, slowest, ms (at most {PAINT_MS:g})", ""]  # fmt: skip
    return table(head, rows)
