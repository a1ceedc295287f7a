"""Runs handed over to Kubeflow, against its OpenAPI models: no Kubeflow runs here."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from evergreen.orchestrators.kubeflow import KubeflowOrchestrator
from evergreen.orchestrators.kubeflow.api import ENDPOINT, KubeflowError
from evergreen.orchestrators.kubeflow.client import Client, code_version
from evergreen.running.conclusion import end
from evergreen.running.outcome import RunFailedError
from evergreen.running.run import Run
from evergreen.runs.plan import Outcome, Request, RunRecord
from evergreen.triggers import configured
from evergreen.triggers.log import Tried
from evergreen.triggers.work import Work
from tests.unit.orchestrators.kubeflow.api_server import Kubeflow, serving
from tests.unit.planning.conftest import bench
from tests.unit.triggers.conftest import world
from tests.unit.triggers.world import HOUR, World

__all__ = ["bench", "world"]


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubeflow]:
    kubeflow = Kubeflow()
    with serving(kubeflow) as endpoint:
        monkeypatch.setenv(ENDPOINT, endpoint)
        yield kubeflow


@pytest.fixture
def cluster(world: World, kubeflow: Kubeflow) -> World:
    """A world whose runs are of the cluster."""
    settings = world.bench.settings("pipeline.orchestrator=kubeflow")
    Client(settings).deploy("compiled: pipeline", code_version(settings))
    world.begin("pipeline.orchestrator=kubeflow")
    restart(world)
    return world


def restart(world: World) -> None:
    chosen = configured.launcher(world.settings, Work("", ""), lambda: None)
    assert isinstance(chosen, KubeflowOrchestrator)
    world.runs = KubeflowOrchestrator(world.settings, lambda: world.seconds)
    world.begin()


def test_the_cluster_carries_out_the_record_that_was_written(
    cluster: World, kubeflow: Kubeflow
) -> None:
    cluster.step()
    [record], [job] = cluster.records, kubeflow.runs
    parameters = job["runtime_config"]["parameters"]
    assert parameters["run"] == record.run_id
    assert parameters["requested_by"] == "new-data"
    assert not cluster.step().entries
    end(cluster.settings, cluster.store, record.run_id, Outcome.PUSHED)
    job["state"] = "SUCCEEDED"
    cluster.step()
    assert cluster.outcomes() == [Outcome.PUSHED]


def test_a_job_that_was_submitted_is_found_again(cluster: World, kubeflow: Kubeflow) -> None:
    cluster.step()
    restart(cluster)
    cluster.step()
    assert len(kubeflow.runs) == 1


def test_a_job_that_failed_is_submitted_again_for_the_same_run(
    cluster: World, kubeflow: Kubeflow
) -> None:
    cluster.step()
    kubeflow.runs[0]["state"] = "FAILED"
    cluster.step()
    first, second = (job["runtime_config"]["parameters"]["run"] for job in kubeflow.runs)
    assert first == second
    assert len(cluster.records) == 1


def test_a_job_past_its_deadline_is_terminated(cluster: World, kubeflow: Kubeflow) -> None:
    cluster.step()
    cluster.step(later=10 * HOUR)
    assert kubeflow.terminated == [kubeflow.runs[-1]["run_id"]]
    assert len(cluster.log.of(Tried)) == 1


def test_jobs_are_listed_once_and_asked_about_less_and_less(
    cluster: World, kubeflow: Kubeflow
) -> None:
    for number in range(20):  # other people's, and older ones
        kubeflow.runs.append({"run_id": f"old-{number}", "created_at": "2020-01-01T00:00:00Z"})
    cluster.step()
    kubeflow.asked.clear()
    for _ in range(360):  # an hour, a step every ten seconds
        cluster.step(later=timedelta(seconds=10))
    assert not [path for path in kubeflow.asked if path.endswith("/runs")]
    assert len([path for path in kubeflow.asked if "/runs/" in path]) < 40
    restart(cluster)
    kubeflow.asked.clear()
    cluster.step()
    assert len([path for path in kubeflow.asked if path.endswith("/runs")]) == 1  # a page, filtered


def test_a_job_that_somebody_deleted_is_submitted_again(cluster: World, kubeflow: Kubeflow) -> None:
    cluster.step()
    kubeflow.runs.clear()
    cluster.step()
    assert [entry.problem for entry in cluster.log.of(Tried)] == ["crashed"]
    assert len(kubeflow.runs) == 1


def test_kubeflow_may_come_up_after_the_controller(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    world.begin("pipeline.orchestrator=kubeflow")
    restart(world)
    with pytest.raises(KubeflowError, match="does not answer"):
        world.step()


@dataclass
class Cluster(Kubeflow):
    """A Kubeflow that carries out the runs it is given at once.

    Attributes:
        settings: The settings of the runs.
        store: Where the runs are.
        comes_to: The outcome of each try, in their order; None if it leaves none.
    """

    settings: Any = None
    store: Any = None
    comes_to: list[Outcome | None] = field(default_factory=list)

    def answer(self, verb: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        code, made = super().answer(verb, path, query, body)
        if (verb, path) == ("POST", "/runs"):
            outcome = self.comes_to.pop(0)
            if outcome:
                end(self.settings, self.store, made["runtime_config"]["parameters"]["run"], outcome)
            made["state"] = "SUCCEEDED" if outcome else "FAILED"
        return code, made


@dataclass
class Unsteady(Cluster):
    """A Kubeflow that does not tell of a run, but comes to its end."""

    def answer(self, verb: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        if verb == "GET" and path.startswith("/runs/"):
            [run] = self.runs
            end(
                self.settings,
                self.store,
                run["runtime_config"]["parameters"]["run"],
                Outcome.MODEL_REFUSED,
            )
            return 503, {"code": 14, "message": "come back later"}
        return super().answer(verb, path, query, body)


class Person:
    """Runs the pipeline on the cluster, and sees what is shown."""

    def __init__(self, world: World, kubeflow: Cluster) -> None:
        self.settings = world.bench.settings("pipeline.orchestrator=kubeflow")
        kubeflow.settings, kubeflow.store = self.settings, world.store
        self.screen = Console(file=io.StringIO(), width=200)

    @property
    def run(self) -> Run:
        return Run(self.settings, self.screen)

    @property
    def shown(self) -> str:
        return self.screen.file.getvalue()

    def asks(self) -> RunRecord:
        return self.run(Request(requested_by="ann", reason="a test"))


@pytest.fixture
def cluster_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    kubeflow = Cluster()
    with serving(kubeflow) as endpoint:
        monkeypatch.setenv(ENDPOINT, endpoint)
        yield kubeflow


@pytest.fixture
def ann(world: World, cluster_of_its_own: Cluster) -> Person:
    ann = Person(world, cluster_of_its_own)
    Client(ann.settings).deploy("compiled: pipeline", code_version(ann.settings))
    return ann


def test_a_run_is_handed_over_and_followed_to_its_summary(
    ann: Person, cluster_of_its_own: Cluster
) -> None:
    cluster_of_its_own.comes_to = [Outcome.MODEL_REFUSED]
    record = ann.asks()
    [job] = cluster_of_its_own.runs
    assert job["runtime_config"]["parameters"]["run"] == record.run_id
    assert record.is_remote
    assert record.outcome is Outcome.MODEL_REFUSED
    assert f"kubeflow_runner.py logs {job['run_id']}" in ann.shown
    assert "refused by the model gate" in ann.shown
    assert not (ann.settings.pipeline.root / ".claims").exists()


def test_a_job_that_leaves_no_outcome_is_a_failure_that_names_its_logs(
    ann: Person, cluster_of_its_own: Cluster
) -> None:
    cluster_of_its_own.comes_to = [None, Outcome.MODEL_REFUSED]
    with pytest.raises(RunFailedError, match="stopped without an outcome") as failed:
        ann.asks()
    [job] = cluster_of_its_own.runs
    assert f"kubeflow_runner.py logs {job['run_id']}" in failed.value.hint
    run_id = job["runtime_config"]["parameters"]["run"]
    assert f"evergreen resume {run_id}" in failed.value.hint

    assert ann.run.resume(run_id).outcome is Outcome.MODEL_REFUSED
    assert len(cluster_of_its_own.runs) == 2


def test_a_run_that_kubeflow_refuses_has_failed(world: World, cluster_of_its_own: Cluster) -> None:
    with pytest.raises(KubeflowError, match="is not deployed"):
        Person(world, cluster_of_its_own).asks()
    [record] = world.records
    assert record.outcome is Outcome.FAILED


def test_an_outage_is_shown_and_does_not_end_the_following(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow = Unsteady(comes_to=[None])
    with serving(kubeflow) as endpoint:
        monkeypatch.setenv(ENDPOINT, endpoint)
        ann = Person(world, kubeflow)
        Client(ann.settings).deploy("compiled: pipeline", code_version(ann.settings))
        assert ann.asks().outcome is Outcome.MODEL_REFUSED
    assert "come back later" in ann.shown


def test_a_run_that_nobody_takes_has_failed(
    world: World, cluster_of_its_own: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    with pytest.raises(KubeflowError, match="does not answer"):
        Person(world, cluster_of_its_own).asks()
    [record] = world.records
    assert record.outcome is Outcome.FAILED


def test_tries_that_never_came_to_be_a_job_submit_no_second_one(
    cluster: World, kubeflow: Kubeflow
) -> None:
    cluster.step()
    [record] = cluster.records
    again = KubeflowOrchestrator(cluster.settings)
    assert again.progress(record, 1) == "goes on"
    kubeflow.runs[0]["state"] = "FAILED"
    assert KubeflowOrchestrator(cluster.settings).progress(record, 1) == "absent"
