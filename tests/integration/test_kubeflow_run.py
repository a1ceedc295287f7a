"""The pipeline as Kubeflow runs it: every task's command, in processes of their own or in this one.

What it leaves is what a local run leaves, also if a container is killed on the way.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass, field
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest

from data.taxi.spans import cut
from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import RunReading
from evergreen.orchestrators.kubeflow import entry
from evergreen.orchestrators.kubeflow.compiler import Overlays, compile_pipeline
from evergreen.runs.plan import Outcome, RunRecord
from evergreen.runs.reports.model import ModelReport
from evergreen.spans import land
from tests.integration.spans import broken
from tests.kubeflow import FAILED, OMITTED, SKIPPED, SUCCEEDED, Driver
from tests.project import ROOT, Project, Ran, edges

STARTS = 3
"""Of a container that fails each time: two retries."""


@dataclass
class Cluster:
    """A project whose pipeline is run by the driver; logs and outputs are in a folder a job."""

    project: Project
    text: str
    logs: dict[str, str] = field(default_factory=dict)

    def record(self, job: str) -> RunRecord:
        record = RunRecords(self.project.store).latest(job=job)
        assert record is not None
        return record

    def driver(self, job: str, execute: Callable[[str, int, list[str]], int]) -> Driver:
        return Driver(self.text, execute, self.project.folder / job, job)

    def here(self, name: str, number: int, words: list[str]) -> int:
        """A container as a call in this process: no imports to wait for."""
        with chdir(ROOT), patch.object(sys, "argv", words[2:]):
            try:
                entry.main()
            except SystemExit as stopped:
                return int(stopped.code or 0)
        return 0

    def container(self, name: str, number: int, words: list[str]) -> int:
        """A container as a process; the first one for Transform is killed in the middle of it."""
        log = self.project.folder / f"{name}-{number}.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, *words[1:]], cwd=ROOT, stdout=stream, stderr=stream
            )
            if (name, number) == ("transform", 0):
                self._await_transform(process)
                os.kill(process.pid, signal.SIGKILL)
            code = process.wait()
        self.logs[name] = log.read_text()
        return code

    def _await_transform(self, process: "subprocess.Popen[bytes]") -> None:
        reader, run_id = NodeReader(self.project.store), self.record("first").run_id
        while process.poll() is None:
            states = reader.states("taxi", f"{run_id}.train")
            if any((state.node_id, state.state) == ("Transform", "running") for state in states):
                return
        pytest.fail("Transform was never seen to run")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    project = Project(tmp_path_factory.mktemp("kubeflow"))
    data = project.settings.data
    cut(None, data.span_root, data.period, data.format)
    overrides = [*project.overrides, "pipeline.orchestrator=kubeflow"]
    settings = project.with_settings("pipeline.orchestrator=kubeflow")
    return Cluster(project, compile_pipeline(settings, Overlays(["local"], overrides)))


@pytest.fixture(scope="module")
def ran(cluster: Cluster) -> Driver:
    """The first run, on two spans, each task in a process of its own."""
    driver = cluster.driver("first", cluster.container)
    ended = driver.run(spans="1-2", requested_by="tester", reason="a test")
    assert ended == SUCCEEDED, cluster.logs
    return driver


@pytest.fixture(scope="module")
def record(cluster: Cluster, ran: Driver) -> RunRecord:
    return cluster.record("first")


def test_only_the_container_that_was_killed_is_started_again(ran: Driver) -> None:
    assert ran.tries == {
        "plan": 1, "statistics-gen": 2, "transform": 2, "trainer": 1, "evaluator": 1, "finish": 1,
    }  # fmt: skip


def test_the_run_is_recorded_and_its_model_serves(cluster: Cluster, record: RunRecord) -> None:
    assert record.outcome is Outcome.PUSHED
    assert record.orchestrator == "kubeflow"
    assert record.request.requested_by == "tester"
    [event] = Registry(cluster.project.store, "taxi").events()
    assert event.evidence["run"] == record.run_id
    assert cluster.project.pushed()


def test_it_leaves_the_lineage_of_a_local_run(
    cluster: Cluster, record: RunRecord, project: Project, first: Ran
) -> None:
    def lineage(of: Project, run_id: str, part: str) -> list[tuple[str, ...]]:
        # Of spans that are ingested at the same time, either takes the schema from the cache.
        found = edges(of.store, f"{run_id}.{part}")
        return sorted(
            (node, state.replace("CACHED", "COMPLETE"), *rest) for node, state, *rest in found
        )

    for part in first.nodes:
        here = lineage(cluster.project, record.run_id, part)
        assert here == lineage(project, first.record.run_id, part)


def rounded(statistics: object) -> str:
    """Nine digits: the order in which Beam adds up is not fixed."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda found: f"{float(found[0]):.9g}", str(statistics))


def test_it_measures_what_a_local_run_measures(
    cluster: Cluster, record: RunRecord, project: Project, first: Ran
) -> None:
    here, there = RunReading(cluster.project.store, record), RunReading(project.store, first.record)
    for mine, other in zip(here.spans, there.spans, strict=True):
        assert rounded(mine.statistics()) == rounded(other.statistics())
        assert mine.report == other.report
    measured = here.report(ModelReport).candidate
    # Training is seeded; the order of sums in threads is not.
    assert measured == pytest.approx(there.report(ModelReport).candidate, rel=1e-4)


def test_kubeflow_shows_report_and_figures(
    cluster: Cluster, ran: Driver, record: RunRecord
) -> None:
    page = (ran.folder("run") / "finish" / "page").read_text()
    assert f"Version {record.model_version} was pushed and is serving" in page
    known = json.loads((ran.folder("run") / "evaluator" / "executor_output.json").read_text())
    [metrics] = known["artifacts"]["metrics"]["artifacts"]
    assert 0.9 < metrics["metadata"]["candidate auc"] < 1
    assert "ML Metadata: execution" in cluster.logs["trainer"]


def test_a_refused_span_ends_the_run_without_a_retry(cluster: Cluster, ran: Driver) -> None:
    data = cluster.project.settings.data
    file = cluster.project.folder / "broken.parquet"
    pq.write_table(broken(), file)
    land(data.span_root, file, 5, key_column=data.key, timestamp_column=data.timestamp)
    before = cluster.project.pushed()
    driver = cluster.driver("refused", cluster.here)
    assert driver.run(spans="5") == SUCCEEDED
    assert driver.states["condition-3"] == SKIPPED
    assert driver.tries == {"plan": 1, "statistics-gen": 1, "transform": 1, "finish": 1}
    assert cluster.record("refused").outcome is Outcome.DATA_REFUSED
    assert cluster.project.pushed() == before


def test_a_run_whose_container_never_starts_has_failed_and_can_be_taken_up(
    cluster: Cluster, ran: Driver
) -> None:
    def no_image(name: str, number: int, words: list[str]) -> int:
        return 1 if name == "trainer" else cluster.here(name, number, words)

    driver = cluster.driver("broken", no_image)
    changed = {"max_epochs": 1}
    assert driver.run(spans="1-2", experiment=True, hyperparameters=changed) == FAILED
    assert driver.tries["trainer"] == STARTS
    assert driver.states["evaluator"] == OMITTED
    failed = cluster.record("broken")
    assert failed.outcome is Outcome.FAILED

    driver = cluster.driver("again", cluster.here)
    assert driver.run(run=failed.run_id) == SUCCEEDED
    record = cluster.record("again")
    assert record.run_id == failed.run_id
    assert record.outcome in (Outcome.EXPERIMENT, Outcome.MODEL_REFUSED)
    history = RunReading(cluster.project.store, record).history()
    assert len(history["loss"]) == 1  # the parameter reached the trainer
    assert "Pusher" not in cluster.project.nodes(record, "train")


def test_a_run_that_has_ended_is_not_taken_up(
    cluster: Cluster, record: RunRecord, caplog: pytest.LogCaptureFixture
) -> None:
    driver = cluster.driver("ended", cluster.here)
    assert driver.run(run=record.run_id) == FAILED
    assert f"run {record.run_id} has ended: pushed" in caplog.text
    assert driver.tries == {"plan": STARTS, "finish": 1}
