"""The number of hostile inputs to try: few in `make test`, many in `make test-fuzz`."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., Any])
FACTOR = int(os.environ.get("EVERGREEN_TEST_FUZZ", "1"))
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def cases(count: int) -> int:
    """How many cases a suite tries that tries `count` in `make test`."""
    return count * FACTOR


def fuzz(count: int) -> Callable[[Test], Test]:
    """Marks a test as such a suite, and lets hypothesis try as many; the same ones each time.

    Stands above or below `@given`. Function-scoped fixtures are shared by all cases of a test. A
    suite that draws its cases otherwise takes `pytest.mark.fuzz` and `cases(count)`.
    """
    tries = settings(
        max_examples=cases(count),
        derandomize=True,
        deadline=None,
        suppress_health_check=SHARED,
    )

    def marked(test: Test) -> Test:
        return pytest.mark.fuzz(tries(test))

    return marked


@contextmanager
def flat_memory(most: int = 256) -> Iterator[None]:
    """Asserts that this process never takes so many MiB more than at the beginning (Linux)."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")  # the peak is counted from here on: proc(5)
    before = _peak()
    yield
    assert _peak() < before + most


def _peak() -> int:
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text() if status.exists() else "")
    return int(found[1]) // 1024 if found else 0
