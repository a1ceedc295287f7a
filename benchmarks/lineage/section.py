"""The section of the page: what it takes to ask a large store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lineage.asking import Result
from benchmarks.markdown import Spread, table
from benchmarks.section import Section
from benchmarks.targets import verdict

ANSWER_MS = 100.0
"""The target for the 95th percentile of an answer of the read API."""
PROCESS_SECONDS = 1.5
"""The target for a whole process of `evergreen runs`."""
ALL = "all runs"


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    del images
    return {"answers": _answers(result), "commands": _commands(result)}


SECTION = Section("lineage", Result, _values)


def _answers(result: Result) -> str:
    rows = []
    for name, values in result.asked.items():
        p95 = float(np.percentile(values, 95))
        # Nobody looks at all runs at once; it is the time that sorting by a metric takes.
        held = "" if name == ALL else verdict(p95 <= ANSWER_MS)
        rows.append([name, f"{np.median(values):.1f}", f"{p95:.1f}", held])
    return table(["", "median, ms", "p95, ms", f"at most {ANSWER_MS:g} ms"], rows)


def _commands(result: Result) -> str:
    rows = []
    for name, values in result.commands.items():
        spread = Spread.of(values)
        held = verdict(spread.median <= PROCESS_SECONDS) if name == "runs" else ""
        rows.append([f"`evergreen {name}`", spread.text(2), held])
    return table(["", "seconds", f"at most {PROCESS_SECONDS:g} s"], rows)
