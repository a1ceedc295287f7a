"""The page is put in its place whole, and the command writes it again."""

from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.errors import EvergreenError
from evergreen.reporting import report_path, write_report
from evergreen.runs.plan import Outcome
from evergreen.settings import Settings
from tests.project import ROOT
from tests.unit.reporting.telling import Story


def asked(settings: Settings, *arguments: str) -> str:
    """What `evergreen report` prints."""
    overrides = [
        f"--set=metadata.sqlite={settings.metadata.sqlite}",
        f"--set=reports.folder={settings.reports.folder}",
    ]
    command = ["report", *arguments, f"--project={ROOT}", *overrides]
    return CliRunner().invoke(app, command, catch_exceptions=False).output


def test_a_page_is_replaced_and_nothing_is_left_beside_it(
    settings: Settings, store: MetadataStore, tmp_path: Path
) -> None:
    story = Story(store, tmp_path)
    file = write_report(settings, store, story.record)
    assert "Not ended" in file.read_text()
    assert write_report(settings, store, story.ends(Outcome.FAILED)) == file
    assert "The run failed" in file.read_text()
    assert list(settings.reports.folder.iterdir()) == [file]
    assert file == report_path(settings, "run-1")


def test_the_command_writes_the_newest_run_or_the_one_named(
    settings: Settings, store: MetadataStore, tmp_path: Path
) -> None:
    for run_id in ("run-1", "run-2"):
        Story(store, tmp_path, run_id).ends(Outcome.FAILED)
    newest = asked(settings)
    assert f"run run-2 (failed): {report_path(settings, 'run-2')}" in newest
    assert "next: open the file in a browser" in newest
    assert not report_path(settings, "run-1").exists()
    assert "run run-1 (failed)" in asked(settings, "run-1")
    assert report_path(settings, "run-1").exists()


def test_a_run_that_does_not_exist_is_an_error(settings: Settings) -> None:
    with pytest.raises(EvergreenError, match="no run yet"):
        asked(settings)
    with pytest.raises(EvergreenError, match="no run run-9"):
        asked(settings, "run-9")
