"""Unneeded artifacts are removed, even after interruptions; needed ones stay."""

import multiprocessing
import random
import shutil
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.files import Trash
from evergreen.lineage import retention as module
from evergreen.lineage.claims import Claims, RunIsAliveError
from evergreen.lineage.doctor import Doctor
from evergreen.lineage.records import RunRecords
from evergreen.lineage.retention import RetentionConflictError, RetentionError
from tests.fuzzing import cases
from tests.unit.commands.asking import ask
from tests.unit.lineage.worlds import World

RUNS = 12
LIVE, MARKED, DELETED = (
    mlmd.Artifact.LIVE,
    mlmd.Artifact.MARKED_FOR_DELETION,
    mlmd.Artifact.DELETED,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Version 1 serves, the newest is the canary, all others are archived."""
    return World.make(tmp_path, RUNS)


def left(world: World) -> set[int]:
    """Artifacts that are live, each of which has its files."""
    live = {id_ for id_, artifact in world.artifacts().items() if artifact.state == LIVE}
    assert all(Path(world.artifacts()[id_].uri, "data").exists() for id_ in live)
    return live


def test_old_artifacts_go_and_metadata_stay(world: World) -> None:
    before = world.artifacts()
    world.retention.carry_out(world.retention.find(1))
    after = world.artifacts()
    gone = {id_ for id_, artifact in after.items() if artifact.state == DELETED}
    assert gone
    assert gone | left(world) == set(before)
    assert not any(Path(after[id_].uri).exists() for id_ in gone)
    assert len(world.lineage.runs()) == RUNS
    assert world.lineage.runs()[-1].results is not None
    assert not (world.settings.pipeline.root / ".trash").exists()
    assert world.retention.find(1).artifacts == []


def test_models_in_use_and_all_they_were_made_of_stay(world: World) -> None:
    world.retention.carry_out(world.retention.find(0))
    stays = left(world)
    for run in (0, RUNS - 1):  # serving, canary
        record = world.records[run]
        assert world.made(run, "Trainer", "model") in stays
        assert set(record.pins.examples) <= stays
        assert world.made(run, "Transform", "transform_graph") in stays
    assert world.made(5, "Transform", "transform_graph") not in stays
    # An archived model may be promoted, and would be what the next one is compared with.
    assert world.made(5, "Trainer", "model") in stays


def test_the_model_to_go_back_to_stays(world: World) -> None:
    world.registry.promote(7, "somebody", "a test")
    world.registry.promote(8, "somebody", "a test")
    world.retention.carry_out(world.retention.find(1))
    assert world.made(6, "Transform", "transform_graph") in left(world)


def test_the_newest_runs_keep_all_of_theirs(world: World) -> None:
    world.retention.carry_out(world.retention.find(3))
    for record in world.records[-3:]:
        assert set(world.lineage.run(record.run_id).artifacts) <= left(world)


def test_nothing_goes_that_a_run_under_way_may_need(world: World) -> None:
    again = world.records[4].model_copy(
        update={"run_id": "under-way", "outcome": None, "finished": None, "model_version": None}
    )
    RunRecords(world.store).create(again)
    world.retention.carry_out(world.retention.find(1))
    # What it shares a span with, it may take from the cache.
    assert set(world.lineage.run(world.records[4].run_id).artifacts) <= left(world)


def test_a_run_that_is_planned_meanwhile_stops_it(world: World) -> None:
    leaving = world.retention.find(1)
    before = left(world)
    record = world.records[0].model_copy(update={"run_id": "new", "outcome": None})
    RunRecords(world.store).create(record)
    with pytest.raises(RetentionConflictError, match="planned meanwhile"):
        world.retention.carry_out(leaving)
    assert left(world) == before


class Killed(BaseException):
    pass


def test_it_may_be_ended_at_any_point(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every change of a folder, and every write to the store, may be the last: again and again."""
    expected = {artifact.id for artifact in world.retention.find(1).artifacts}
    stays = left(world) - expected
    steps = most = 0

    def perhaps() -> None:
        nonlocal steps
        steps += 1
        if steps > most:
            raise Killed

    take, set_ = Trash.take, module.Retention._set

    def taking(self: Trash, place: Path, name: str) -> None:
        perhaps()
        take(self, place, name)

    def setting(self: module.Retention, ids: list[int], state: int) -> None:
        perhaps()
        set_(self, ids, state)

    with monkeypatch.context() as patch:
        patch.setattr(Trash, "take", taking)
        patch.setattr(module.Retention, "_set", setting)
        for most in range(0, 60, 7):  # noqa: B007 - `perhaps` reads it
            steps = 0
            with pytest.raises(Killed):
                world.retention.carry_out(world.retention.find(1))
            assert stays <= left(world)
            gone = {id_ for id_, artifact in world.artifacts().items() if artifact.state == DELETED}
            assert gone <= expected
    world.retention.carry_out(world.retention.find(1))
    assert left(world) == stays
    assert {
        id_ for id_, artifact in world.artifacts().items() if artifact.state == DELETED
    } == expected


def test_what_was_marked_and_is_needed_again_comes_back(world: World) -> None:
    needed = world.made(RUNS - 1, "Trainer", "model")
    artifact = world.artifacts()[needed]
    artifact.state = MARKED
    world.store.put_artifacts([artifact])
    world.retention.carry_out(world.retention.find(1))
    assert needed in left(world)


def cut_off_after_moving(world: World, monkeypatch: pytest.MonkeyPatch, keep: int) -> set[int]:
    """One who dies when all folders are away, and nothing is marked as deleted yet."""
    leaving = world.retention.find(keep)
    set_ = module.Retention._set

    def setting(self: module.Retention, ids: list[int], state: int) -> None:
        if state == DELETED:
            raise Killed
        set_(self, ids, state)

    with monkeypatch.context() as patch:
        patch.setattr(module.Retention, "_set", setting)
        with pytest.raises(Killed):
            world.retention.carry_out(leaving)
    return {artifact.id for artifact in leaving.artifacts}


def test_what_was_moved_and_is_needed_again_comes_back_with_its_files(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = left(world)
    moved = cut_off_after_moving(world, monkeypatch, keep=1)
    assert moved
    world.retention.carry_out(world.retention.find(RUNS))
    assert left(world) == before


def test_what_was_moved_comes_back_if_a_run_is_planned_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = left(world)
    cut_off_after_moving(world, monkeypatch, keep=1)
    leaving = world.retention.find(1)
    record = world.records[0].model_copy(update={"run_id": "new", "outcome": None})
    RunRecords(world.store).create(record)
    with pytest.raises(RetentionConflictError):
        world.retention.carry_out(leaving)
    assert left(world) == before


def test_what_was_marked_and_is_nowhere_is_not_said_to_be_there(world: World) -> None:
    lost = world.made(RUNS - 1, "Trainer", "model")
    artifact = world.artifacts()[lost]
    artifact.state = MARKED
    world.store.put_artifacts([artifact])
    shutil.rmtree(artifact.uri)
    world.retention.carry_out(world.retention.find(1))
    assert lost not in left(world)
    assert world.artifacts()[lost].state == DELETED


def collect(folder: Path) -> None:
    """What `evergreen gc --keep 1 --yes` does, in a process of its own."""
    ask(folder, "gc", "--keep", "1", "--yes")


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(cases(1)))
def test_a_process_that_is_killed_leaves_nothing_half(
    world: World, tmp_path: Path, seed: int
) -> None:
    """Killed again and again, each time a little later; in the end one is let finish."""
    expected = {artifact.id for artifact in world.retention.find(1).artifacts}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    chance = random.Random(seed)
    for _ in range(4):
        process = context.Process(target=collect, args=(tmp_path,))
        process.start()
        process.join(chance.uniform(0, 0.6))  # a moment at random, whatever it does by then
        process.kill()
        process.join()
        assert not expected - set(world.artifacts())
        left(world)
    collect(tmp_path)
    gone = {id_ for id_, artifact in world.artifacts().items() if artifact.state == DELETED}
    assert gone == expected
    assert left(world) == set(world.artifacts()) - expected
    assert not (world.settings.pipeline.root / ".trash").exists()
    assert Doctor(world.settings, world.store).examine() == []


def test_what_cannot_be_moved_keeps_no_other_from_going(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {artifact.id for artifact in world.retention.find(1).artifacts}
    stuck = min(expected)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if target.name == str(stuck):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(RetentionError, match=r"1 of .* artifacts stay: .*Permission denied"):
            world.retention.carry_out(world.retention.find(1))
    assert stuck in left(world)
    gone = {id_ for id_, artifact in world.artifacts().items() if artifact.state == DELETED}
    assert gone == expected - {stuck}


def test_files_elsewhere_are_left_alone(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data").touch()
    artifact = world.artifacts()[world.made(2, "Transform", "transform_graph")]
    artifact.uri = str(elsewhere)
    world.store.put_artifacts([artifact])
    world.retention.carry_out(world.retention.find(1))
    assert (elsewhere / "data").exists()


def test_a_run_is_claimed_by_one_process_at_a_time(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    assert not claims.is_held("run")
    with claims.hold("run"):
        assert claims.is_held("run")
        with pytest.raises(RunIsAliveError, match="another process works on run run"):
            claims.hold("run").__enter__()
    assert not claims.is_held("run")
