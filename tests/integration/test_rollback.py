"""Going back: to a version that still serves, in one step; else nothing changes."""

import shutil
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.dashboard.actions import Place
from evergreen.dashboard.server import Dashboard, UseCase
from evergreen.launch import options
from evergreen.lineage.reader import Lineage
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import RegistryError, Stage
from evergreen.lineage.store import open_store
from evergreen.runs.plan import ModelRef
from evergreen.settings import load_settings
from tests.project import ROOT, Project, Ran, places
from tests.unit.dashboard.asking import TOKEN, ask, form, signed_in


class World:
    """Version 2 serves, and version 1 did before; both are copies of a model that was pushed."""

    def __init__(self, folder: Path, pushed: Path) -> None:
        self._pairs = [*places(folder), f"metadata.sqlite={folder}/metadata.sqlite"]
        self._settings = settings = load_settings(ROOT, overrides=self._pairs)
        store = open_store(settings.metadata)
        registry = Registry(store, settings.model.name)
        self.base, self._lineage = settings.serving.base_path, Lineage(store, settings.model.name)
        for number in (1, 2):
            registry.take_version(str(number))
            path = self.base / str(number)
            shutil.copytree(pushed, path)
            model = ModelRef(version=number, artifact_id=number)
            registry.register(model, "tester", "a test", {"path": str(path)})
        registry.promote(2, "tester", "a test")

    def roll_back(self) -> str:
        words = [word for pair in self._pairs for word in ("--set", pair)]
        answer = CliRunner().invoke(app, ["rollback", "--project", str(ROOT), *words])
        if answer.exception:
            raise answer.exception
        return answer.stdout

    def dashboard(self) -> Dashboard:
        place = Place(tuple(options(ROOT, "taxi", ["local"], self._pairs)))
        return Dashboard([UseCase(self._settings, place)], TOKEN)

    def stages(self) -> list[Stage | None]:
        return [version.stage for version in self._lineage.versions()]


@pytest.fixture
def world(project: Project, first: Ran, tmp_path: Path) -> World:
    return World(tmp_path, project.settings.serving.base_path / str(first.record.model_version))


def test_a_version_that_serves_is_gone_back_to(world: World) -> None:
    said = world.roll_back()
    assert "version 1 is serving now (rollback)" in said
    assert world.stages() == [Stage.SERVING, Stage.REJECTED]


def test_a_person_goes_back_on_the_dashboard(world: World) -> None:
    async def asks(client: TestClient) -> tuple[int, str]:
        await signed_in(client)
        data = {**await form(client, "/actions/rollback"), "reason": "wrong fares"}
        async with client.post("/actions/rollback", data=data) as answer:
            return answer.status, await answer.text()

    status, text = ask(world.dashboard(), asks)
    assert status == 200
    assert "wrong fares" in text
    assert world.stages() == [Stage.SERVING, Stage.REJECTED]


def corrupt_weights(version: Path) -> None:
    [file] = version.glob("variables/variables.data-*")
    file.write_bytes(file.read_bytes()[:100])


def other_requests(version: Path) -> None:
    """Requests that were recorded with another model."""
    (version / "assets.extra/tf_serving_warmup_requests").write_bytes(b"not a record")


def gone(version: Path) -> None:
    shutil.rmtree(version)


@pytest.mark.parametrize("damage", [corrupt_weights, other_requests, gone])
def test_a_version_that_does_not_serve_is_refused_with_the_reason(world: World, damage) -> None:
    damage(world.base / "1")
    with pytest.raises(RegistryError, match="version 1") as refusal:
        world.roll_back()
    assert refusal.value.hint
    assert world.stages() == [Stage.ARCHIVED, Stage.SERVING]
