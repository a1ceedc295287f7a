"""Runs of the whole pipeline that the tests only read.

They build on each other, as a user's would: the first model, the same again, one more span, a model
worse in one part of the data, a span that has drifted. Each is made once for all tests, when the
first one asks for it.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from data.taxi.spans import cut
from evergreen.lineage.mysql import PASSWORD
from evergreen.spans import land
from tests import mariadb as servers
from tests.integration.spans import evening
from tests.project import Project, Ran

SHARE_RUNS = (
    "first_run",
    "later_runs",
    "bad_data",
    "notebook",
    "offline_run",
    "kubeflow_run",
    "killed_run",
    "resumed_run",
    "rollback",
)


class ByFixtures(LoadScopeScheduling):
    """Keeps in one process what shares the runs below, and what shares the fixtures of a module."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        return "runs" if Path(file).stem.removeprefix("test_") in SHARE_RUNS else file


def pytest_configure() -> None:
    """Lets Ctrl-C reach the commands under test: a shell ignores it for what runs behind."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFixtures:
    return ByFixtures(config, log)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.MariaDb]:
    if missing := servers.MariaDb.missing():
        pytest.skip(missing)
    server = servers.MariaDb(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mariadb(mariadb_server: servers.MariaDb, monkeypatch: pytest.MonkeyPatch) -> servers.MariaDb:
    """A running MariaDB server, with the password of its databases in the environment."""
    monkeypatch.setenv(PASSWORD, servers.PASSWORD)
    return mariadb_server


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    data = project.settings.data
    cut(None, data.span_root, data.period, data.format)
    return project


@pytest.fixture(scope="session")
def first(project: Project) -> Ran:
    """The first run: two spans, no baseline."""
    return project.run("1-2")


@pytest.fixture(scope="session")
def again(project: Project, first: Ran) -> Ran:
    """The same request once more."""
    return project.run("1-2")


@pytest.fixture(scope="session")
def grown(project: Project, again: Ran) -> Ran:
    """One more span."""
    return project.run("1-3", ["data.compression=gzip"])


@pytest.fixture(scope="session")
def worse(project: Project, grown: Ran) -> Ran:
    """The same window, and a model that is as good on the whole but worse in one area."""
    return project.run("1-3", ["model.run_fn=tests.integration.worse_in_a_slice.run_fn"])


@pytest.fixture(scope="session")
def drifted(project: Project, grown: Ran) -> Ran:
    """One more span: a valid one, in which there are only evening trips."""
    data = project.settings.data
    file = project.folder / "evening.parquet"
    pq.write_table(evening(), file)
    land(data.span_root, file, 7, key_column=data.key, timestamp_column=data.timestamp)
    return project.run("1-2,7")
