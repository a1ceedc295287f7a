"""`python -m benchmarks.monitoring.ours SETTING...` looks at the window; prints what it took."""

import json
import sys
import time

from benchmarks.monitoring.data import WINDOW
from benchmarks.pipeline.variants import PROJECT
from evergreen.lineage.store import open_store
from evergreen.monitoring.look import look
from evergreen.settings import load_settings


def main() -> None:
    """Looks, as `evergreen monitor` does; imports do not count."""
    settings = load_settings(PROJECT, overrides=sys.argv[1:])
    store = open_store(settings.metadata)
    start = time.perf_counter()
    result, _ = look(settings, store, WINDOW, WINDOW.end)
    seconds = time.perf_counter() - start
    print(result.model_dump_json(indent=1), file=sys.stderr)  # noqa: T201 - it is in the log
    print(json.dumps({"rows": result.rows, "read": None, "seconds": seconds}))  # noqa: T201


if __name__ == "__main__":
    main()
