"""The resources of a child process are measured correctly."""

import sys
from pathlib import Path

import pytest

from benchmarks.measure import measure
from evergreen.errors import EvergreenError

FILLED = "block = bytearray(b'x') * (200 << 20)"
BUSY = "import time\nwhile time.process_time() < 0.5: pass"


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_memory_time_and_output_of_a_child(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "child.log"
    measured = measure(child(f"{FILLED}\n{BUSY}\nprint('done')"), log, tmp_path)
    assert 200 <= measured.peak < 250
    assert 0.5 <= measured.cpu < 5
    assert measured.wall >= 0.4  # two clocks, so not exactly 0.5
    assert measured.ended == measured.started + measured.wall
    assert log.read_text() == "done\n"


def test_children_of_the_child_count(tmp_path: Path) -> None:
    """Their memory at the same time together, and their processor time."""
    # Each is told to go on once both are filled.
    inner = f"{FILLED}\nprint(flush=True)\ninput()\n{BUSY}"
    both = (
        "import subprocess, sys\n"
        "pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        f"command = [sys.executable, '-c', {inner!r}]\n"
        "inner = [subprocess.Popen(command, **pipes) for _ in range(2)]\n"
        "[one.stdout.readline() for one in inner]\n"
        "[(one.stdin.write(b'\\n'), one.stdin.flush()) for one in inner]\n"
        "[one.wait() for one in inner]"
    )
    measured = measure(child(both), tmp_path / "log", tmp_path)
    assert measured.peak >= 400
    assert measured.cpu >= 1.0


def test_a_child_that_fails_is_told_of_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    with pytest.raises(EvergreenError, match="exit code 3") as raised:
        measure(child("print('no luck'); raise SystemExit(3)"), log, tmp_path)
    assert str(log) in raised.value.hint
    assert log.read_text() == "no luck\n"
