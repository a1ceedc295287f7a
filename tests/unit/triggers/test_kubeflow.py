"""The controller's runs on Kubeflow, against its OpenAPI models: no Kubeflow runs here."""

from collections.abc import Iterator

import pytest

from evergreen.orchestrators.kubeflow.api import ENDPOINT
from evergreen.orchestrators.kubeflow.client import Client, code_version
from evergreen.planning.plan import Outcome
from evergreen.running.ending import end
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
    world.runs = configured.launcher(world.settings, Work("", (), (), ""), lambda: None)
    assert isinstance(world.runs, KubeflowLauncher)
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
