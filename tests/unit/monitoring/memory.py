"""Reads a log of predictions in a process of its own, and prints what memory that took at most."""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson

from evergreen.monitoring.columns import Missing, features
from evergreen.monitoring.log import Log
from evergreen.monitoring.results import Window
from evergreen.quality.names import Names

KINDS = {"trip_miles": "FLOAT"}


def main(folder: Path) -> None:
    window = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 2, 1, tzinfo=UTC))
    unknown, rows = Names(), 0
    for batch in Log(folder, "taxi").read(window, ["features"]):
        kept, found = features(batch, KINDS, Missing())
        rows += len(kept)
        unknown.merge(found.unknown)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(orjson.dumps({"rows": rows, "unknown": unknown.rows, "peak": peak}).decode())  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
