"""The controller's runs on Kubeflow, against its OpenAPI models: no Kubeflow runs here."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from evergreen.orchestrators.kubeflow.api import ENDPOINT, KubeflowError
from evergreen.orchestrators.kubeflow.client import Client, code_version
from evergreen.running.conclusion import end
from evergreen.runs.plan import Outcome
from evergreen.triggers import configured
from evergreen.triggers.kubeflow import KubeflowLauncher
from evergreen.triggers.log import Tried
from evergreen.triggers.work import Work
from tests.unit.orchestrators.kubeflow.api_server import Kubeflow, serving
from tests.unit.triggers.world import HOUR, World


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
    assert isinstance(chosen, KubeflowLauncher)
    world.runs = KubeflowLauncher(world.settings, lambda: world.seconds)
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
    end(cluster.store, record.run_id, Outcome.PUSHED)
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
