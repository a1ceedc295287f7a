"""The section of the page: what it takes to ask a large store."""

from pathlib import Path

import numpy as np

from benchmarks.lineage.asking import Result
from benchmarks.markdown import Spread, table

ANSWER_MS = 100.0
"""What an answer of the read API is to take at most, at its 95th percentile."""
PROCESS_SECONDS = 1.5
"""What a whole process of `evergreen runs` is to take at most."""
ALL = "all runs"


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
## Lineage

A store (SQLite) of {result.runs:,} runs with {result.artifacts:,} artifacts, made by
`benchmarks/lineage/history.py`, asked through the [read API](lineage.md) in a process that is warm.
Measured on {result.started:%Y-%m-%d} on {where.processor}, {where.cores} cores, with a load of
{where.load:.1f} before.

{_answers(result)}
Whole processes, from the shell and back, imports included:

{_commands(result)}"""


def _answers(result: Result) -> str:
    rows = []
    for name, values in result.asked.items():
        p95 = float(np.percentile(values, 95))
        # Nobody looks at all runs at once; it is the time that sorting by a metric takes.
        verdict = "" if name == ALL else "reached" if p95 <= ANSWER_MS else "**missed**"
        rows.append([name, f"{np.median(values):.1f}", f"{p95:.1f}", verdict])
    return table(["", "median, ms", "p95, ms", f"at most {ANSWER_MS:g} ms"], rows)


def _commands(result: Result) -> str:
    rows = []
    for name, values in result.commands.items():
        spread = Spread.of(values)
        verdict = "reached" if spread.median <= PROCESS_SECONDS else "**missed**"
        rows.append([f"`evergreen {name}`", spread.text(2), verdict if name == "runs" else ""])
    return table(["", "seconds", f"at most {PROCESS_SECONDS:g} s"], rows)
