"""What a run came to stands, whatever can be shown of it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from evergreen.lineage.records import RunRecords
from evergreen.running.run import Run
from evergreen.runs.plan import Outcome
from evergreen.settings import load_settings
from tests.project import ROOT, places
from tests.unit.reporting.reports import data_report, model_report, serving_report
from tests.unit.reporting.telling import Story, span_ref

ONE = span_ref(1)


@pytest.mark.parametrize("broken", ["", "no folder", "no JSON", "no numbers", "no statistics"])
def test_no_report_and_no_number_changes_an_outcome(tmp_path: Path, broken: str) -> None:
    pairs = [*places(tmp_path), f"metadata.sqlite={tmp_path}/metadata.sqlite"]
    settings = load_settings(ROOT, ("local",), pairs)
    said = io.StringIO()
    run = Run(settings, Console(file=said, width=200))
    story = Story(run._store, tmp_path / "root", window=(ONE,), to_ingest=(ONE,))
    story.ingests(ONE, data_report(1), "fare")
    report = model_report()
    if broken == "no numbers":
        report["candidate"] = {"auc": "much"}
    story.trains(report, serving_report())
    if broken == "no folder":
        settings.reports.folder.parent.mkdir(parents=True, exist_ok=True)
        settings.reports.folder.write_text("a file")
    for name in {"no JSON": ["report.json"], "no statistics": ["*.pb"]}.get(broken, []):
        for file in tmp_path.rglob(name):
            file.write_text("?")
    ended = run._end(story.record, Outcome.MODEL_REFUSED)
    assert ended.outcome is Outcome.MODEL_REFUSED
    assert RunRecords(run._store).get(story.record.run_id) == ended
    has_numbers = broken not in {"no JSON", "no numbers"}
    assert bool(ended.results) is has_numbers
    assert ("no report was written: NotADirectoryError" in said.getvalue()) is (
        broken == "no folder"
    ) or "FileExistsError" in said.getvalue()
