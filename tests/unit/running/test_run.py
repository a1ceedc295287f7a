"""What a person who interrupts a run is told."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from evergreen.running.orchestrator import Progress, RemoteOrchestrator
from evergreen.running.run import Run
from evergreen.runs.plan import RunRecord
from evergreen.settings import load_settings
from tests.project import ROOT, places


class Elsewhere(RemoteOrchestrator):
    """Carries nothing out."""

    def launch(self, record: RunRecord, attempt: int) -> None:
        raise NotImplementedError

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        return Progress.ABSENT

    def stop(self, record: RunRecord, attempt: int) -> None:
        raise NotImplementedError

    def logs(self, record: RunRecord, attempt: int) -> str:
        return "logs"


@pytest.mark.parametrize(
    ("run_id", "launched", "step"),
    [
        ("", False, "next: run the same again"),
        ("r-1", False, "next: evergreen resume r-1"),
        ("r-1", True, "next: evergreen resume r-1 follows it again; evergreen show r-1"),
    ],
)
def test_the_last_line_names_the_next_step(
    tmp_path: Path, run_id: str, launched: bool, step: str
) -> None:
    pairs = [*places(tmp_path), f"metadata.sqlite={tmp_path}/metadata.sqlite"]
    settings = load_settings(ROOT, ("local",), pairs)
    said = io.StringIO()
    run = Run(settings, Console(file=said, width=40), Elsewhere(settings))
    run.run_id = run_id
    run._handover.is_launched = launched
    run.part()
    assert said.getvalue().splitlines()[-1] == step
