"""A remote orchestrator of a third party, in a package of its own: tests/third_party."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.lineage.records import RunRecords
from evergreen.running.orchestrator import Progress, RemoteOrchestrator, chosen
from evergreen.running.resumption import CannotGoOnError
from evergreen.runs.plan import Outcome
from evergreen.settings import Settings
from evergreen.spans import land
from evergreen.triggers import configured
from evergreen.triggers.controller import Controller
from evergreen.triggers.log import Ended, TriggerLog
from evergreen.triggers.work import Work
from tests.integration.spans import broken
from tests.project import ROOT, Project

EVERGREEN = Path(sys.executable).with_name("evergreen")
THIRD_PARTY = ROOT / "tests/third_party"
RELAY = "pipeline.orchestrator=relay"


class Elsewhere:
    """A project whose spans the data gate refuses, so that its runs are short."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder)

    def land(self, number: int) -> None:
        data, file = self.project.settings.data, self.project.folder / "broken.parquet"
        pq.write_table(broken().slice(0, 500), file)
        keys = {"key_column": data.key, "timestamp_column": data.timestamp}
        land(data.span_root, file, number, **keys)

    def command(self, *words: str) -> subprocess.Popen[str]:
        overrides = [part for pair in self.project.overrides for part in ("--set", pair)]
        return subprocess.Popen(
            [EVERGREEN, *words, "--project", str(ROOT), *overrides],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(THIRD_PARTY), "COLUMNS": "200"},
        )

    @property
    def settings(self) -> Settings:
        return self.project.with_settings(RELAY)

    @property
    def orchestrator(self) -> RemoteOrchestrator:
        found = chosen(self.settings)
        assert isinstance(found, RemoteOrchestrator)
        return found

    @property
    def records(self) -> RunRecords:
        return RunRecords(self.project.store)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(THIRD_PARTY)
        patch.setenv("PYTHONPATH", str(THIRD_PARTY))
        elsewhere = Elsewhere(tmp_path_factory.mktemp("elsewhere"))
        elsewhere.land(1)
        yield elsewhere


def read_to(process: subprocess.Popen[str], text: str) -> str:
    """What a process has shown when a text is there."""
    assert process.stdout
    shown = ""
    for line in process.stdout:
        shown += line
        if text in line:
            return shown
    raise AssertionError(f"{text!r} was never shown: {shown}")


def test_a_run_is_handed_over_followed_left_and_taken_up(elsewhere: Elsewhere) -> None:
    with elsewhere.command("run", "--orchestrator", "relay", "--spans", "1") as run:
        begun = read_to(run, "handed over")
        record = elsewhere.records.latest()
        assert record
        assert record.is_remote
        elsewhere.orchestrator.stop(record, 0)
        failed = run.communicate()[0]
    assert run.returncode == 1
    assert f"run {record.run_id}" in begun
    assert "on the relay orchestrator" in begun
    assert "stopped without an outcome" in failed
    assert f"less {elsewhere.settings.logs.folder}/relay-{record.run_id}.0.log" in failed

    with elsewhere.command("resume", record.run_id) as resume:
        read_to(resume, "handed over")
        resume.send_signal(signal.SIGINT)
        left = resume.communicate()[0]
    assert resume.returncode == 130
    assert f"run {record.run_id} goes on" in left
    assert re.search(f"next: evergreen resume .*{record.run_id}", left)
    assert elsewhere.orchestrator.progress(record, 1) is Progress.GOES_ON

    with elsewhere.command("resume", record.run_id) as resume:
        shown = resume.communicate()[0]
    assert resume.returncode == 3
    assert "goes on; logs: less" in shown
    assert re.search(r"span-00001-v01 +DataGate +complete", shown)
    assert "stopped by the data gate" in shown
    ended = elsewhere.records.get(record.run_id)
    assert ended.outcome is Outcome.DATA_REFUSED
    assert elsewhere.orchestrator.progress(ended, 2) is Progress.ABSENT


def test_a_run_is_stopped_where_it_runs(elsewhere: Elsewhere) -> None:
    with elsewhere.command("run", "--orchestrator", "relay", "--spans", "1") as run:
        read_to(run, "handed over")
        record = elsewhere.records.latest()
        assert record
        stop = ["stop", record.run_id, "--project", str(ROOT)]
        stop += [part for pair in elsewhere.project.overrides for part in ("--set", pair)]
        said = CliRunner().invoke(app, stop, catch_exceptions=False).output
        followed = run.communicate()[0]
    assert f"run {record.run_id} has ended: interrupted." in said
    assert re.search(f"next: evergreen resume .*{record.run_id}", said)
    assert run.returncode == 1
    assert "it has ended as interrupted" in followed
    assert elsewhere.records.get(record.run_id).outcome is Outcome.INTERRUPTED
    assert elsewhere.orchestrator.progress(record, 0) is Progress.STOPPED
    with pytest.raises(CannotGoOnError, match="has ended: interrupted"):
        CliRunner().invoke(app, stop, catch_exceptions=False)


def test_the_controller_hands_its_runs_over(elsewhere: Elsewhere) -> None:
    elsewhere.land(2)
    settings, store = elsewhere.settings, elsewhere.project.store
    log = TriggerLog(store, settings.model.name)
    launcher = configured.launcher(settings, Work("", ""), lambda: None)
    controller = Controller(
        settings, store, configured.triggers(settings, store, log), launcher, log=log
    )
    while not log.of(Ended):
        controller.step(datetime.now(UTC))
        Event().wait(0.5)
    controller.close()
    assert log.of(Ended)[0].outcome is Outcome.DATA_REFUSED
    record = elsewhere.records.get(log.of(Ended)[0].run_id)
    assert record.is_remote
    assert elsewhere.orchestrator.progress(record, 0) is Progress.STOPPED


@pytest.mark.usefixtures("elsewhere")
def test_it_is_listed_as_one_that_runs_elsewhere() -> None:
    shown = CliRunner().invoke(app, ["orchestrators"], env={"COLUMNS": "200"}).output
    assert re.search(r"relay +elsewhere +Relays runs", shown)
