"""The benchmark of start-up: what it says of the figures, and that its programs run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.measure import Measured
from benchmarks.startup import measuring
from benchmarks.startup.entry_points import CONTAINER, PROGRAMS, STOCK
from benchmarks.startup.result import Result
from benchmarks.startup.section import SECTION
from tests.unit.benchmarks.results import MACHINE


def result(container: float) -> Result:
    seconds = dict.fromkeys(PROGRAMS, 1.0) | {STOCK: 20.0, CONTAINER: container}
    measured = {
        name: Measured(started=0.0, wall=wall, cpu=wall, peak=100.0)
        for name, wall in seconds.items()
    }
    return Result(started=datetime(2026, 3, 1, tzinfo=UTC), machine=MACHINE, rounds=(measured,))


def test_the_page_says_whether_a_node_starts_fast_enough(tmp_path: Path) -> None:
    page = SECTION.render(result(11.0).model_dump_json(), tmp_path)
    assert f"| {CONTAINER}: of `from tfx import v1` | at most 0.6 | 0.55 | reached |" in page
    assert f"| {CONTAINER} | 11.0 | 11.0 | 100 | 0.55 |" in page
    assert "**missed**" in SECTION.render(result(12.1).model_dump_json(), tmp_path)


def test_each_round_has_every_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    light = {STOCK: "import json", "python": ""}
    monkeypatch.setattr(measuring, "PROGRAMS", light)
    found = measuring.measure_all(2, tmp_path, Console(quiet=True))
    assert [set(round_) for round_ in found.rounds] == [set(light)] * 2
    assert all(round_[STOCK].wall > 0 for round_ in found.rounds)
