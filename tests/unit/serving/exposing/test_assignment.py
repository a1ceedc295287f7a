"""Servers are told the versions that the registry exposes, and their labels."""

from pathlib import Path

import pytest

from evergreen.errors import EvergreenError
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.runs.plan import ModelRef
from evergreen.serving.exposing.assignment import from_registry
from tests.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def push(project: Project, version: int, stage: Stage) -> None:
    folder = project.settings.serving.base_path / str(version)
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    registry = Registry(project.store, project.settings.model.name)
    model = ModelRef(version=version, artifact_id=version)
    registry.register(model, who="somebody", why="a test", evidence={}, stage=stage)


def test_the_serving_version_and_the_canary_are_served_with_labels(project: Project) -> None:
    for version, stage in ((1, Stage.SERVING), (2, Stage.CANARY), (3, Stage.CANDIDATE)):
        push(project, version, stage)
    (model,) = from_registry(project.settings, project.store).model_config_list.config
    assert model.name == project.settings.model.name
    assert model.base_path == str(project.settings.serving.base_path)
    assert list(model.model_version_policy.specific.versions) == [1, 2]
    assert dict(model.version_labels) == {"serving": 1, "canary": 2}


def test_a_version_whose_files_are_gone_is_left_out(project: Project) -> None:
    push(project, 1, Stage.SERVING)
    push(project, 2, Stage.CANARY)
    (project.settings.serving.base_path / "2/saved_model.pb").unlink()
    (model,) = from_registry(project.settings, project.store).model_config_list.config
    assert dict(model.version_labels) == {"serving": 1}


def test_nothing_to_serve_says_what_to_do(project: Project) -> None:
    with pytest.raises(EvergreenError, match="no version that is serving") as nothing:
        from_registry(project.settings, project.store)
    assert "evergreen run" in nothing.value.hint
