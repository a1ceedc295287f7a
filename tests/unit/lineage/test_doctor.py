"""Mismatches are found, and repaired if that is safe."""

import json
import shutil
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.files import publish_folder
from evergreen.lineage.claims import Claims
from evergreen.lineage.doctor import Doctor, Fault
from evergreen.lineage.nodes import mark_running
from evergreen.lineage.records import RunRecords
from evergreen.runs.plan import Outcome
from tests.unit.lineage.worlds import World

RUNS = 5


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path, RUNS)


def examine(world: World) -> list[Fault]:
    return Doctor(world.settings, world.store).examine()


def repair(world: World) -> list[Fault]:
    """Repairs what can be, and returns what is left."""
    for fault in examine(world):
        if fault.repair:
            fault.repair()
    return examine(world)


def unended(world: World) -> str:
    """A run that was begun and has no outcome."""
    record = world.records[-1].model_copy(update={"outcome": None, "finished": None})
    RunRecords(world.store).update(record)
    return record.run_id


def test_what_matches_is_not_talked_about(world: World) -> None:
    assert examine(world) == []


def test_a_run_that_died_is_ended(world: World) -> None:
    run_id = unended(world)
    node = world.lineage.run(run_id).nodes[-1].node
    mark_running(world.store, node.execution_id)
    [fault] = examine(world)
    assert fault.kind == "died run"
    assert run_id in fault.what
    assert repair(world) == []
    assert world.lineage.record(run_id).outcome is Outcome.INTERRUPTED
    assert world.lineage.run(run_id).nodes[-1].node.state == "canceled"


def test_a_run_that_somebody_works_on_is_left_alone(world: World) -> None:
    run_id = unended(world)
    mark_running(world.store, world.lineage.run(run_id).nodes[-1].node.execution_id)
    with Claims(world.settings.pipeline.root).hold(run_id):
        (world.settings.pipeline.root / "Trainer/model/9999").mkdir()
        assert examine(world) == []


@pytest.mark.parametrize("elsewhere", [{"remote": True}, {"job": "of version 0.1.0"}])
def test_a_run_elsewhere_is_left_alone(world: World, elsewhere: dict[str, object]) -> None:
    record = world.records[-1].model_copy(update={"outcome": None, **elsewhere})
    RunRecords(world.store).update(record)
    assert examine(world) == []


def test_an_execution_that_is_stuck_is_canceled(world: World) -> None:
    node = world.lineage.run(world.records[2].run_id).nodes[3].node
    mark_running(world.store, node.execution_id)
    [fault] = examine(world)
    assert fault.kind == "stuck execution"
    assert repair(world) == []


def test_metadata_without_files_are_marked_unless_they_are_needed(world: World) -> None:
    lost = world.made(3, "Evaluator", "evaluation")
    needed = world.made(0, "Trainer", "model")  # it serves
    for id_ in (lost, needed):
        shutil.rmtree(world.artifacts()[id_].uri)
    assert {fault.kind for fault in examine(world)} == {"missing files"}
    [left] = repair(world)
    assert str(needed) in left.what
    assert "restore" in left.hint
    assert world.artifacts()[lost].state == mlmd.Artifact.DELETED


def test_a_volume_that_is_not_mounted_loses_nothing(world: World) -> None:
    root = world.settings.pipeline.root
    root.rename(root.with_name("unmounted"))
    found = examine(world)
    assert len(found) == len(world.artifacts())
    assert not any(fault.repair for fault in found)


def test_files_without_metadata_go_if_they_are_ours(world: World) -> None:
    root = world.settings.pipeline.root
    made = world.artifacts()[world.made(0, "Trainer", "model")]
    execution = Path(made.uri).name
    ours, foreign = root / f"Trainer/other/{execution}", root / "Trainer/model/999999"
    for folder in (ours, foreign):
        folder.mkdir(parents=True)
    [left] = repair(world)
    assert str(foreign) in left.what
    assert not ours.exists()


def test_what_a_push_that_died_has_left_goes(world: World) -> None:
    base = world.settings.serving.base_path
    (base / ".staging-9-abc").mkdir()
    [fault] = examine(world)
    assert fault.kind == "half a push"
    assert repair(world) == []


def test_a_version_that_was_pushed_and_not_registered_is_named(world: World) -> None:
    source = world.settings.pipeline.root / "source"
    (source / "assets.extra").mkdir(parents=True)
    key = world.records[-1].train_key
    (source / "assets.extra/evergreen.json").write_text(f'{{"train_key": "{key}"}}')
    publish_folder(source, world.settings.serving.base_path / str(RUNS))
    shutil.rmtree(source)
    run_id = unended(world)
    half, _ = sorted(examine(world), key=lambda fault: fault.kind, reverse=True)
    assert half.kind == "half a version"
    assert half.hint == f"evergreen resume {run_id}"


def test_a_version_that_was_pushed_elsewhere_is_there_if_its_receipt_says_so(world: World) -> None:
    base = world.settings.serving.base_path
    [event] = [event for event in world.lineage.version(1).events if event.evidence.get("path")][:1]
    receipt = base / "1/assets.extra/evergreen.json"
    receipt.parent.mkdir()
    receipt.write_text(json.dumps({"train_key": world.records[0].train_key}))
    moved = base.with_name("moved")
    base.rename(moved)
    assert not Path(event.evidence["path"]).exists()
    serving = world.settings.serving.model_copy(update={"base_path": moved})
    settings = world.settings.model_copy(update={"serving": serving})
    kinds = {fault.what.split(",")[0] for fault in Doctor(settings, world.store).examine()}
    assert not any("version 1 " in kind for kind in kinds)
    receipt = moved / "1/assets.extra/evergreen.json"
    receipt.write_text("[]")
    found = Doctor(settings, world.store).examine()
    assert any("version 1 is serving, and not at" in fault.what for fault in found)


def test_a_serving_version_without_files_is_named(world: World) -> None:
    shutil.rmtree(world.settings.serving.base_path / "1")
    [fault] = examine(world)
    assert (fault.kind, fault.repair) == ("missing version", None)
