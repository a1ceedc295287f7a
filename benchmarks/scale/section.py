"""The section of the page: how time and memory grow with the rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale import tables, terms
from benchmarks.scale.charts import draw_memory, draw_seconds
from benchmarks.scale.comparing import NODES
from benchmarks.scale.result import Result
from benchmarks.scale.targets import TARGETS
from benchmarks.section import Section
from benchmarks.targets import target_table

SECONDS, MEMORY = "bench-scale-seconds.svg", "bench-scale-memory.svg"


def _values(result: Result, images: Path) -> Mapping[str, Any]:
    draw_seconds(result, images / SECONDS)
    draw_memory(result, images / MEMORY)
    return {
        "parts": result.parts,
        "targets": target_table(TARGETS, result),
        "terms": terms,
        "tables": tables,
        "nodes": NODES,
        "charts": (SECONDS, MEMORY),
    }


SECTION = Section("scale", Result, _values)
