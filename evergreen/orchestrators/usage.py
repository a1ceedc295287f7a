"""Measures the resources of a node: time, machine and memory."""

import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
RESET_PEAK = "5"
"""The value for `/proc/PID/clear_refs` that resets the peak (Linux' proc(5))."""


class Measuring:
    """Measures from its creation on.

    Memory is that of this process without its children. Nodes that run in it at the same time all
    have the common peak.
    """

    _under_way = 0
    _lock = Lock()

    def __init__(self, executor: str) -> None:
        """Starts to measure; `executor` is the class that does the work."""
        self._executor = executor
        self._started = time.time()
        with Measuring._lock:
            if Measuring._under_way == 0:
                with suppress(
                    OSError
                ):  # some sandboxes forbid it; the peak is then since the start of the process
                    Path("/proc/self/clear_refs").write_text(RESET_PEAK)
            Measuring._under_way += 1

    def taken(self) -> dict[str, str | int | float]:
        """Ends; returns the measurements by the names in `evergreen.lineage.nodes.MEASURED`."""
        with Measuring._lock:
            Measuring._under_way -= 1
        found = PEAK.search(Path("/proc/self/status").read_text())
        return {
            "started": self._started,
            "ended": time.time(),
            "executor": self._executor,
            "host": socket.gethostname(),
            "peak_memory": int(found[1]) // 1024 if found else 0,
        }
