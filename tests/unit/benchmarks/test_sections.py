"""Sections of small results say what was measured, and whether it is enough."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.controller import result as controller
from benchmarks.controller.section import SECTION as CONTROLLER
from benchmarks.dashboard import asking as dashboard
from benchmarks.dashboard.section import SECTION as DASHBOARD
from benchmarks.kubeflow import result as kubeflow
from benchmarks.kubeflow.section import SECTION as KUBEFLOW
from benchmarks.lineage import asking as lineage
from benchmarks.lineage.section import SECTION as LINEAGE
from tests.unit.benchmarks.results import MACHINE

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_controller_is_held_to_a_cold_run(tmp_path: Path) -> None:
    rounds = tuple(
        controller.Round(decided=0.1, started=started, cold=6.0, idle=0.02, memory=900)
        for started in (1.5, 1.8)
    )
    stored = controller.Result(machine=MACHINE, started=WHEN, rounds=rounds)
    text = CONTROLLER.render(stored.model_dump_json(), tmp_path)
    assert "Measured on 1 March 2026; median of 2 rounds, least and most in brackets." in text
    wanted = "| from event to first node, of a cold run | at most 0.5 | 0.28 (0.25 to 0.30) |"
    assert f"{wanted} reached |" in text
    waits = "| processor time while it waits | at most 1 % of a core | 2.00 % of a core |"
    assert f"{waits} **missed** |" in text
    assert "1.6 (1.5 to 1.8) s" in text


def test_the_slowest_container_is_held_to_its_imports(tmp_path: Path) -> None:
    task = kubeflow.Task(wall=30.0, work=6.0)
    measured = kubeflow.Round(
        start=1.0, imports=20.0, compiling=2.0, compiling_process=9.0, tasks={"train": task}
    )
    stored = kubeflow.Result(machine=MACHINE, started=WHEN, document=2048, rounds=(measured,))
    text = KUBEFLOW.render(stored.model_dump_json(), tmp_path)
    assert "| compiling, without imports | at most 5 s | 2.00 s | reached |" in text
    assert "The compiled file has 2 KiB." in text


def test_answers_and_pages_are_held_to_their_95th_percentile(tmp_path: Path) -> None:
    asked = {"all runs": [900.0], "the newest": [10.0] * 20, "slow": [150.0] * 20}
    stored = lineage.Result(machine=MACHINE, started=WHEN, runs=100, artifacts=2000, asked=asked,
                            commands={"runs": [2.0], "show": [9.0]})  # fmt: skip
    text = LINEAGE.render(stored.model_dump_json(), tmp_path)
    assert "| the newest | 10.0 | 10.0 | reached |" in text
    assert "| slow | 150.0 | 150.0 | **missed** |" in text
    assert "| all runs | 900.0 | 900.0 |  |" in text
    assert "| `evergreen runs` | 2.00 | **missed** |" in text
    page = dashboard.Result(machine=MACHINE, started=WHEN, runs=100, artifacts=2000,
                            asked={"/": [20.0]}, painted={"/": [2000.0]})  # fmt: skip
    text = DASHBOARD.render(page.model_dump_json(), tmp_path)
    assert "| `/` | 20 | 20 | 2000 | **missed** |" in text
