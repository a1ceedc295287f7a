"""Runs of the whole pipeline that the tests only read.

They build on each other, as a user's would: the first model, the same again, one more span, a worse
model. Each is made once for all tests, when the first one asks for it.
"""

import pytest

from data.taxi.spans import cut
from tests.project import Project, Ran


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
    return project.run("1-3")


@pytest.fixture(scope="session")
def worse(project: Project, grown: Ran) -> Ran:
    """The window of the first run, and a model that hardly learns."""
    weak = ["model.hyperparameters.max_epochs=1", "model.hyperparameters.learning_rate=1e-6"]
    return project.run("1-2", weak)
