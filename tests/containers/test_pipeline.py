"""The whole pipeline in real containers: each task of the compiled file is one, from the image.

Docker's API starts them, a MariaDB has the metadata, a folder is the volume. What they leave is
compared with a local run, also after a container was killed and the database restarted.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound
from docker.models.containers import Container
from ml_metadata.metadata_store import MetadataStore
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from evergreen.lineage import mysql
from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import RunReading
from evergreen.lineage.store import open_store
from evergreen.orchestrators.kubeflow.compiler import Overlays, compile_pipeline
from evergreen.runs.plan import Outcome, RunRecord
from evergreen.runs.reports.model import ModelReport
from evergreen.settings import load_settings
from tests.containers.engine import Service
from tests.integration.test_kubeflow_run import rounded
from tests.kubeflow import FAILED, SUCCEEDED, Driver
from tests.mariadb import PASSWORD, MariaDb, metadata, overrides
from tests.project import ROOT, Project, Ran, edges, places

SECONDS = 300
NOT_STARTED = 125
"""Docker's exit code of a container that could not be started."""
Hook = Callable[[Container], None]


@dataclass
class Cluster:
    """What stands in for Kubernetes: a container for each task, without rights.

    Attributes:
        hooks: What happens to a container, by task and try.
        logs: Of the last container of each task.
        mode: Of the volume: "rw", "ro".
    """

    client: docker.DockerClient
    image: str
    folder: Path
    volume: Path
    database: MariaDb
    store: MetadataStore
    text: str
    hooks: dict[tuple[str, int], Hook] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    missing: set[tuple[str, int]] = field(default_factory=set)
    mode: str = "rw"

    def start(self, *words: str, image: str = "") -> Container:
        return self.client.containers.run(
            image or self.image,
            list(words),
            detach=True,
            network_mode="host",
            read_only=True,
            tmpfs={"/tmp": ""},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            environment={mysql.PASSWORD: PASSWORD},
            # At the same path as here, so that artifacts can be read on both sides.
            volumes=[f"{self.volume}:{self.volume}:{self.mode}", f"{self.folder}:{self.folder}"],
        )

    def execute(self, name: str, number: int, words: list[str]) -> int:
        """Runs a task's command in a container; returns its exit code."""
        image = f"{self.image}-missing" if (name, number) in self.missing else ""
        try:
            container = self.start(*words, image=image)
        except ImageNotFound as error:
            self.logs[name] = str(error)
            return NOT_STARTED
        try:
            if hook := self.hooks.pop((name, number), None):
                hook(container)
            code = int(container.wait()["StatusCode"])
            self.logs[name] = container.logs().decode()
        finally:
            container.remove(force=True)
        return code

    def driver(self, job: str) -> Driver:
        return Driver(self.text, self.execute, self.folder / job, job)

    def record(self, job: str) -> RunRecord:
        record = RunRecords(self.store).latest(job=job)
        assert record is not None
        return record

    def await_running(self, job: str, node: str) -> None:
        """Waits until a node of the training works."""
        reader, run = NodeReader(self.store), f"{self.record(job).run_id}.train"

        def runs() -> bool:
            states = reader.states("taxi", run)
            return any((state.node_id, state.state) == (node, "running") for state in states)

        is_no = retry_if_result(lambda found: not found)
        Retrying(retry=is_no, stop=stop_after_delay(SECONDS), wait=wait_fixed(0.1))(runs)


@pytest.fixture(scope="module")
def cluster(
    image: str, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder, volume = tmp_path_factory.mktemp("cluster"), tmp_path_factory.mktemp("volume")
    database = MariaDb(tmp_path_factory.mktemp("mariadb"))
    database.start()
    before = os.umask(0)  # containers run as another user
    folder.chmod(0o777)
    volume.chmod(0o777)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(mysql.PASSWORD, PASSWORD)
        found = database.database()
        options = [*overrides(found), *places(volume)]
        settings = load_settings(ROOT, ["kubeflow"], options)
        cluster = Cluster(
            docker.DockerClient(base_url=service.host),
            image,
            folder,
            volume,
            database,
            open_store(metadata(found)),
            compile_pipeline(settings, Overlays(["kubeflow"], options)),
        )
        sets = (f"--set={pair}" for pair in options)
        words = ["evergreen", "data", "prepare", "--config=kubeflow", *sets]
        assert cluster.execute("data", 0, words) == 0, cluster.logs
        yield cluster
    os.umask(before)
    database.stop()


@pytest.fixture(scope="module")
def ran(cluster: Cluster) -> Driver:
    """The first run, in which much goes wrong on the way."""

    def kill(container: Container) -> None:
        cluster.await_running("first", "Transform")
        container.kill()

    def restart(container: Container) -> None:
        cluster.await_running("first", "Trainer")
        cluster.database.stop()
        cluster.database.start()

    cluster.missing = {("plan", 0)}
    cluster.hooks = {("transform", 0): kill, ("trainer", 0): restart}
    driver = cluster.driver("first")
    ended = driver.run(spans="1-2", requested_by="tester", reason="a test")
    assert ended == SUCCEEDED, cluster.logs
    return driver


@pytest.fixture(scope="module")
def record(cluster: Cluster, ran: Driver) -> RunRecord:
    return cluster.record("first")


def test_only_what_was_lost_is_started_again(ran: Driver) -> None:
    assert ran.tries == {
        "plan": 2, "statistics-gen": 2, "transform": 2, "trainer": 1, "evaluator": 1, "finish": 1,
    }  # fmt: skip


def test_the_model_is_pushed_and_no_secret_is_told(
    cluster: Cluster, ran: Driver, record: RunRecord
) -> None:
    assert record.outcome is Outcome.PUSHED
    [event] = Registry(cluster.store, "taxi").events()
    path = Path(event.evidence["path"])
    assert path.is_relative_to(cluster.volume)
    assert (path / "saved_model.pb").is_file()
    assert PASSWORD not in cluster.text + "".join(cluster.logs.values())


def test_it_leaves_the_lineage_of_a_local_run(
    cluster: Cluster, record: RunRecord, project: Project, first: Ran
) -> None:
    def lineage(store: MetadataStore, run_id: str, part: str) -> list[tuple[str, ...]]:
        # Of spans that are ingested at the same time, either takes the schema from the cache.
        found = edges(store, f"{run_id}.{part}")
        return sorted(
            (node, state.replace("CACHED", "COMPLETE"), *rest) for node, state, *rest in found
        )

    for part in first.nodes:
        here = lineage(cluster.store, record.run_id, part)
        assert here == lineage(project.store, first.record.run_id, part)


def test_it_measures_what_a_local_run_measures(
    cluster: Cluster, record: RunRecord, project: Project, first: Ran
) -> None:
    here, there = RunReading(cluster.store, record), RunReading(project.store, first.record)
    for mine, other in zip(here.spans, there.spans, strict=True):
        assert rounded(mine.statistics()) == rounded(other.statistics())
        assert mine.report == other.report
    assert here.report(ModelReport).candidate == pytest.approx(
        there.report(ModelReport).candidate, rel=1e-4
    )


def test_a_volume_that_cannot_be_written_fails_the_run_which_can_be_taken_up(
    cluster: Cluster, ran: Driver
) -> None:
    cluster.mode = "ro"
    driver = cluster.driver("readonly")
    changed = {"max_epochs": 1}
    assert driver.run(spans="1-2", experiment=True, hyperparameters=changed) == FAILED
    failed = cluster.record("readonly")
    assert failed.outcome is Outcome.FAILED
    states = NodeReader(cluster.store).states("taxi", f"{failed.run_id}.train")
    [error] = {state.error for state in states if state.error}
    assert "Read-only file system" in error or "read-only" in error.lower()

    cluster.mode = "rw"
    driver = cluster.driver("writable")
    assert driver.run(run=failed.run_id) == SUCCEEDED
    outcome = cluster.record("writable").outcome
    assert outcome in (Outcome.EXPERIMENT, Outcome.MODEL_REFUSED)


def test_a_node_that_raises_is_told_with_its_reason(cluster: Cluster, ran: Driver) -> None:
    driver = cluster.driver("raising")
    wrong = {"no_such_parameter": 1}
    assert driver.run(spans="1-2", experiment=True, hyperparameters=wrong) == FAILED
    assert driver.tries["trainer"] == 3
    assert "no_such_parameter" in cluster.logs["trainer"]
    assert cluster.record("raising").outcome is Outcome.FAILED
