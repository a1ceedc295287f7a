"""A run's outcome stands, even if it cannot be shown."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.store import open_store
from evergreen.running.conclusion import conclude
from evergreen.running.run import Run
from evergreen.runs.plan import Outcome, Request
from evergreen.settings import load_settings
from tests.project import ROOT, places
from tests.unit.reporting.reports import (
    MISSING_FARE,
    Report,
    compared,
    data_report,
    model_report,
    serving_report,
)
from tests.unit.reporting.telling import Story, span_ref

ONE = span_ref(1)
INGEST = Request(requested_by="somebody", reason="a test", train=False)


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


def refused_by_data(story: Story) -> None:
    story.ingests(ONE, data_report(1, MISSING_FARE), "fare")


def without_data_gate(story: Story) -> None:
    story.ingests(ONE, None, "fare")


def blessed(story: Story) -> None:
    story.ingests(ONE, data_report(1), "fare")


def trained(*verdicts: Report, serving: Report | None = None) -> Callable[[Story], None]:
    def tell(story: Story) -> None:
        blessed(story)
        story.trains(model_report(*verdicts), serving)

    return tell


WORSE = compared("all rows", passed=False)
OUTCOMES = {
    "nothing has run": (lambda _: None, {}, Outcome.FAILED),
    "no data gate": (without_data_gate, {}, Outcome.FAILED),
    "a span is refused": (refused_by_data, {}, Outcome.DATA_REFUSED),
    "only ingested": (blessed, {"request": INGEST}, Outcome.INGESTED),
    "refused, only ingested": (refused_by_data, {"request": INGEST}, Outcome.DATA_REFUSED),
    "not trained": (blessed, {}, Outcome.FAILED),
    "no serving validation": (trained(), {}, Outcome.FAILED),
    "no serving validation of a refused model": (trained(WORSE), {}, Outcome.FAILED),
    "a worse model": (trained(WORSE, serving=serving_report()), {}, Outcome.MODEL_REFUSED),
    "a worse and slow model": (
        trained(WORSE, serving=serving_report(slow=True)),
        {},
        Outcome.MODEL_REFUSED,
    ),
    "a slow model": (trained(serving=serving_report(slow=True)), {}, Outcome.SERVING_REFUSED),
    "an experiment": (
        trained(serving=serving_report()),
        {"model_version": None},
        Outcome.EXPERIMENT,
    ),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_the_outcome_is_that_of_the_first_gate_that_refuses(tmp_path: Path, case: str) -> None:
    tell, changes, outcome = OUTCOMES[case]
    pairs = [*places(tmp_path), f"metadata.sqlite={tmp_path}/metadata.sqlite"]
    settings = load_settings(ROOT, ("local",), pairs)
    store = open_store(settings.metadata)
    story = Story(store, tmp_path / "root", window=(ONE,), to_ingest=(ONE,), **changes)
    tell(story)
    assert conclude(settings, store, story.record) is outcome
    assert Registry(store, settings.model.name).events() == []
