"""The registry in a real MLflow server: versions, aliases, metrics, lineage, and the models."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import tensorflow as tf
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.errors import EvergreenError, SettingsError
from evergreen.runs.plan import ModelRef
from tests.project import ROOT, places
from tests.unit.exporting.server import running
from tests.unit.lineage.worlds import World
from tests.unit.serving.model_server.saved import save_half_plus

RUNS = 6
HOSTILE = "<script>alert(1)</script> ../../etc \x1b[31m\u202e" + "x" * 5000 + "東京"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    """Version 1 serves, 2, 3, 4 and 6 are canaries, 5 was refused; 3 has lost its files."""
    world = World.make(folder, RUNS)
    base = world.settings.serving.base_path
    shutil.rmtree(base / "1")
    save_half_plus(base, 1)
    shutil.rmtree(base / "3")
    return world


def export(folder: Path, uri: str, *words: str) -> list[dict]:
    pairs = [*places(folder), f"metadata.sqlite={folder}/metadata.sqlite"]
    options = [word for pair in pairs for word in ("--set", pair)]
    line = ["models", "export", "--to", "mlflow", "--uri", uri, "--json", *words]
    answer = CliRunner().invoke(app, [*line, "--project", str(ROOT), *options])
    if answer.exception:
        raise answer.exception
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def exported(world: World, folder: Path, uri: str) -> list[dict]:
    return export(folder, uri)


def client(uri: str) -> MlflowClient:
    return MlflowClient(uri, uri)


def there(uri: str) -> dict[str, ModelVersion]:
    """Versions in MLflow by ours."""
    found = client(uri).search_model_versions("name = 'taxi'")
    return {version.tags["evergreen.version"]: version for version in found}


def run_of(uri: str, version: str) -> Run:
    return client(uri).get_run(there(uri)[version].run_id)


def everything(uri: str) -> str:
    """All that MLflow's registry and runs hold of the model, with the times of changes."""
    versions = [dict(version) for version in there(uri).values()]
    runs = [run_of(uri, version).to_dictionary() for version in there(uri)]
    model = dict(client(uri).get_registered_model("taxi"))
    return repr((versions, runs, {k: v for k, v in model.items() if k != "latest_versions"}))


def test_every_version_with_files_is_there(exported: list[dict], uri: str) -> None:
    assert {version["version"]: version["outcome"].split(":")[0] for version in exported} == {
        1: "created",
        2: "created",
        3: "left out",
        4: "created",
        6: "created",
    }
    assert set(there(uri)) == {"1", "2", "4", "6"}


def test_stages_are_aliases(exported: list[dict], uri: str) -> None:
    aliases = client(uri).get_registered_model("taxi").aliases
    ours = {alias: client(uri).get_model_version("taxi", to).tags for alias, to in aliases.items()}
    assert {alias: tags["evergreen.version"] for alias, tags in ours.items()} == {
        "serving": "1",
        "canary": "6",
    }
    assert {
        version["version"]: version["aliases"] for version in exported if version["aliases"]
    } == {
        1: ["serving"],
        6: ["canary"],
    }
    assert there(uri)["2"].tags["evergreen.stage"] == "archived"


def test_metrics_and_lineage_are_told(world: World, exported: list[dict], uri: str) -> None:
    record, run = world.records[3], run_of(uri, "4")
    assert run.data.metrics["test/auc"] == 0.95
    assert run.data.params["spans"] == "1,2,3,4"
    assert run.info.status == "FINISHED"
    assert run.info.start_time == record.created.timestamp() * 1000
    tags = there(uri)["4"].tags
    assert tags["evergreen.run"] == record.run_id
    assert tags["evergreen.train_key"] == record.train_key
    assert tags["evergreen.commit"] == record.provenance.commit
    assert tags["evergreen.span.2"] == f"version 1, sha256 {record.window[1].sha256}"
    assert tags["evergreen.digest.lock"] == record.digests.lock
    assert tags["evergreen.baseline"] == "3"


def test_mlflow_loads_the_model_that_serves(exported: list[dict], uri: str) -> None:
    mlflow.set_tracking_uri(uri)
    model = mlflow.tensorflow.load_model("models:/taxi@serving")
    answer = model.signatures["serving_default"](x=tf.constant([2.0]))
    assert answer["y"].numpy().tolist() == [2.0]


def test_to_export_again_changes_nothing(exported: list[dict], folder: Path, uri: str) -> None:
    before = everything(uri)
    again = export(folder, uri)
    assert {version["outcome"].split(":")[0] for version in again} == {"unchanged", "left out"}
    assert everything(uri) == before


def test_an_export_that_was_cut_off_is_taken_up(
    world: World, exported: list[dict], folder: Path, uri: str
) -> None:
    """Its run was made, and no version of it."""
    other = client(uri)
    version = there(uri)["2"]
    other.delete_model_version("taxi", version.version)
    [again] = [version for version in export(folder, uri) if version["version"] == 2]
    assert again["outcome"] == "created"
    assert there(uri)["2"].run_id == version.run_id


@pytest.fixture
def other(tmp_path: Path) -> World:
    """Another model: 1 serves, 3 is the canary, 2 was it before."""
    place = [f"metadata.sqlite={tmp_path}/metadata.sqlite", "model.name=other"]
    return World.make(tmp_path, 3, place)


def test_aliases_follow_the_stages(other: World, tmp_path: Path, uri: str) -> None:
    words = ["--set", "model.name=other", "--alias", "serving=champion"]
    export(tmp_path, uri, *words)
    assert client(uri).get_registered_model("other").aliases == {"champion": "1", "canary": "3"}
    other.registry.promote(2, "ann", "better")
    again = export(tmp_path, uri, *words)
    assert {version["version"]: version["outcome"] for version in again} == {
        1: "updated",
        2: "updated",
        3: "unchanged",
    }
    assert client(uri).get_registered_model("other").aliases == {"champion": "2", "canary": "3"}
    assert client(uri).get_model_version("other", "1").tags["evergreen.stage"] == "archived"
    other.registry.archive(3, "ann", "no use")
    export(tmp_path, uri, *words)
    assert client(uri).get_registered_model("other").aliases == {"champion": "2"}


def test_what_another_project_exported_is_left_as_it_is(
    world: World, exported: list[dict], tmp_path: Path, uri: str
) -> None:
    """Its versions have the same numbers, and would be told of as ours."""
    stranger = World.make(tmp_path, 1)
    number = stranger.registry.take_version("a stranger's")
    place = {"path": str(stranger.settings.serving.base_path / "1")}
    stranger.registry.register(ModelRef(version=number, artifact_id=99), "bob", "", place)
    before = everything(uri)
    with pytest.raises(EvergreenError, match=r"of another training.* Nothing was changed"):
        export(tmp_path, uri)
    assert everything(uri) == before


def test_an_alias_that_somebody_set_by_hand_is_left_as_it_is(tmp_path: Path, uri: str) -> None:
    by_hand = client(uri)
    by_hand.create_registered_model("third")
    made = by_hand.create_model_version("third", "s3://bucket/model")
    by_hand.set_registered_model_alias("third", "serving", made.version)
    world = World.make(
        tmp_path / "third", 1, [f"metadata.sqlite={tmp_path}/3.sqlite", "model.name=third"]
    )
    assert world.registry.serving()
    words = ["--set", "model.name=third", "--set", f"metadata.sqlite={tmp_path}/3.sqlite"]
    with pytest.raises(EvergreenError, match=r"alias serving of third .* not exported from here"):
        export(tmp_path / "third", uri, *words)
    assert by_hand.get_registered_model("third").aliases == {"serving": made.version}
    assert len(by_hand.search_model_versions("name = 'third'")) == 1


def test_hostile_texts_are_told_in_short(other: World, tmp_path: Path, uri: str) -> None:
    number = other.registry.take_version("hostile")
    path = str(other.settings.serving.base_path / "1")
    model = ModelRef(version=number, artifact_id=99)
    other.registry.register(model, HOSTILE, HOSTILE, {"path": path, "run": HOSTILE})
    done = export(tmp_path, uri, "--set", "model.name=other")
    there = client(uri).get_model_version("other", done[-1]["there"])
    assert there.description.startswith(HOSTILE[:100])
    assert there.tags["evergreen.run"].startswith(HOSTILE[:100])


def test_no_server_is_told_of_without_secrets(folder: Path, world: World) -> None:
    with pytest.raises(EvergreenError, match=r"http://127\.0\.0\.1:1 has stopped") as error:
        export(folder, "http://ann:secret@127.0.0.1:1")
    assert "secret" not in str(error.value)
    assert "run the same again" in error.value.hint


@pytest.mark.parametrize("alias", ["nowhere=x", "serving", "serving=canary"])
def test_an_alias_of_no_stage_is_refused(folder: Path, uri: str, alias: str) -> None:
    with pytest.raises(SettingsError, match="--alias"):
        export(folder, uri, "--alias", alias)
