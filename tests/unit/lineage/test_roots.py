"""Nothing below a root is touched that is not surely of the store that is open."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.lineage.claims import Claims
from evergreen.lineage.doctor import Doctor, Fault
from evergreen.lineage.records import RunRecords
from evergreen.lineage.roots import MARKER, Root, RootError, store_id
from evergreen.lineage.store import open_store
from evergreen.settings.models import MetadataSettings
from tests.fuzzing import fuzz
from tests.unit.commands.asking import ask, last_line
from tests.unit.lineage.making import make_store
from tests.unit.lineage.worlds import World

RUNS = 5


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path, RUNS)


def root_of(world: World) -> Path:
    return world.settings.pipeline.root


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)


def repair(world: World) -> list[Fault]:
    """Repairs what can be; returns all that was found."""
    found = Doctor(world.settings, world.store).examine()
    for fault in found:
        if fault.repair:
            fault.repair()
    return found


def moved(world: World) -> Path:
    """Moves the root; returns where it was."""
    root = root_of(world)
    old = root.with_name("old")
    root.rename(old)
    for artifact in world.store.get_artifacts():
        artifact.uri = str(old / Path(artifact.uri).relative_to(root))
        world.store.put_artifacts([artifact])
    old.rename(root)
    return old


def without_marker(world: World) -> None:
    """As version 0.1.0 left a root."""
    (root_of(world) / MARKER).unlink()


def test_a_store_has_one_id(tmp_path: Path, place: MetadataSettings) -> None:
    assert store_id(open_store(place)) == store_id(open_store(place))
    assert store_id(make_store(tmp_path / "other.sqlite")) != store_id(open_store(place))


def test_the_folders_of_another_store_are_left_alone(tmp_path: Path, world: World) -> None:
    """Another store below the same root, whose executions have the same numbers."""
    kept = files(root_of(world))
    other = World(world.settings, make_store(tmp_path / "other.sqlite"), [])
    kind = other.store.put_execution_type(mlmd.ExecutionType(name="evergreen.monitor"))
    other.store.put_executions([mlmd.Execution(type_id=kind) for _ in range(100)])
    for _ in range(2):  # with the marker of the first store, and as version 0.1.0 left it
        [fault] = [fault for fault in repair(other) if fault.kind == "foreign root"]
        assert "another metadata store" in fault.what
        with pytest.raises(RootError, match="another metadata store"):
            other.retention.find(1)
        assert files(root_of(world)) == kept
        (root_of(world) / MARKER).unlink(missing_ok=True)


def test_a_run_of_another_store_does_not_write_over_its_folders(
    tmp_path: Path, world: World
) -> None:
    other = Root.of(world.settings, make_store(tmp_path / "other.sqlite"))
    with pytest.raises(RootError, match="is the root of another metadata store"):
        other.claim()
    Root.of(world.settings, world.store).claim()


def test_a_root_of_version_0_1_0_is_taken_for_ones_own_if_all_in_it_is(world: World) -> None:
    without_marker(world)
    assert Doctor(world.settings, world.store).examine() == []
    leaving = world.retention.find(1)
    assert not (root_of(world) / MARKER).exists()  # nothing is written until something goes
    world.retention.carry_out(leaving)
    assert json.loads((root_of(world) / MARKER).read_text()) == {"store": store_id(world.store)}


def test_an_empty_folder_where_the_root_should_be_loses_nothing(world: World) -> None:
    """A volume that is not mounted."""
    shutil.rmtree(root_of(world))
    root_of(world).mkdir()
    before = world.artifacts()
    [fault] = repair(world)
    assert fault.kind == "empty root"
    assert "mount the right volume" in fault.hint
    assert world.artifacts() == before


@pytest.mark.parametrize("has_marker", [True, False])
def test_a_moved_root_is_said_once_and_nothing_is_touched(world: World, has_marker: bool) -> None:
    old, kept = moved(world), files(root_of(world))
    if not has_marker:
        without_marker(world)
    before = world.artifacts()
    [fault] = repair(world)
    assert fault.kind == "moved root"
    assert f"the root moved from {old} to {root_of(world)}" in fault.what
    assert fault.hint == f"to take it over: evergreen doctor --moved-from {old}"
    with pytest.raises(RootError, match="the root moved"):
        world.retention.find(1)
    assert files(root_of(world)) == kept
    assert world.artifacts() == before


def test_a_moved_root_is_taken_over(tmp_path: Path, world: World) -> None:
    old, number = moved(world), len(world.artifacts())
    said = ask(tmp_path, "doctor")
    assert "1 thing does not match" in said.stdout
    assert last_line(said) == f"next: to take it over: evergreen doctor --moved-from {old}"
    without_marker(world)
    answer = ask(tmp_path, "doctor", "--moved-from", str(old))
    assert answer.exit_code == 0, answer.stdout
    assert f"{number} artifacts are recorded below {root_of(world)} now" in answer.stdout
    assert "everything matches" in answer.stdout
    assert all(Path(artifact.uri, "data").exists() for artifact in world.artifacts().values())
    world.retention.carry_out(world.retention.find(1))
    assert Doctor(world.settings, world.store).examine() == []


def test_a_root_that_was_elsewhere_is_not_taken_over(tmp_path: Path, world: World) -> None:
    before = world.artifacts()
    for old in (tmp_path / "nowhere", root_of(world), root_of(world).parent):
        with pytest.raises(RootError, match="nothing of what is recorded"):
            ask(tmp_path, "doctor", "--moved-from", str(old))
    moved(world)
    record = world.records[-1].model_copy(update={"outcome": None, "finished": None})
    RunRecords(world.store).update(record)
    with (
        Claims(root_of(world)).hold(record.run_id),
        pytest.raises(EvergreenError, match="is under way"),
    ):
        ask(tmp_path, "doctor", "--moved-from", str(tmp_path / "old"))
    assert before.keys() == world.artifacts().keys()


def test_a_root_that_moved_and_ran_on_keeps_what_was_moved(world: World) -> None:
    """A run in the new place made artifacts of its own: what came with the move is still known."""
    moved(world)
    without_marker(world)
    [artifact, *_] = world.store.get_artifacts()
    artifact.uri = str(
        root_of(world) / Path(artifact.uri).relative_to(root_of(world).with_name("old"))
    )
    world.store.put_artifacts([artifact])
    kept = files(root_of(world))
    assert [fault.kind for fault in repair(world)] == ["moved root"]
    assert files(root_of(world)) == kept


def test_links_and_dots_lead_nowhere(tmp_path: Path, world: World) -> None:
    """Artifacts recorded at places that are below the root by their letters only."""
    root = root_of(world)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/data").write_text("precious")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "Trainer/model/1").symlink_to(tmp_path / "elsewhere")
    made = world.made(2, "Transform", "transform_graph"), world.made(2, "Evaluator", "evaluation")
    for id_, uri in zip(made, (f"{root}/../elsewhere", f"{root}/link/data"), strict=True):
        artifact = world.artifacts()[id_]
        artifact.uri = uri
        world.store.put_artifacts([artifact])
    leaving = world.retention.find(1)
    assert sorted(leaving.strange) == [f"{root}/../elsewhere", f"{root}/link/data"]
    world.retention.carry_out(leaving)
    found = repair(world)
    assert any("it is a link" in fault.hint for fault in found)
    assert (tmp_path / "elsewhere/data").read_text() == "precious"
    assert (root / "Trainer/model/1").is_symlink()


def test_a_folder_of_another_node_is_not_ones_own(world: World) -> None:
    trainer = Path(world.artifacts()[world.made(0, "Trainer", "model")].uri)
    own, other = (
        trainer.parents[1] / "gone" / trainer.name,
        root_of(world) / "Pusher/gone" / trainer.name,
    )
    place = Root.of(world.settings, world.store)
    assert (place.owns(own), place.owns(other)) == (True, False)
    elsewhere = Root(world.store, "flights", root_of(world))
    assert not elsewhere.owns(own)


def test_a_damaged_marker_is_named(world: World) -> None:
    (root_of(world) / MARKER).write_text("[]")
    with pytest.raises(RootError, match="is not readable"):
        world.retention.find(1)


def test_what_cannot_be_repaired_keeps_no_other_from_it(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []
    for run in (0, 1):
        made = Path(world.artifacts()[world.made(run, "Trainer", "model")].uri)
        left.append(made.parents[1] / "gone" / made.name)
        left[-1].mkdir(parents=True)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self == left[0]:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    answer = ask(tmp_path, "doctor", "--repair")
    assert answer.exit_code == 6
    assert "cannot be moved or removed: Permission denied" in answer.stderr
    assert [path.exists() for path in left] == [True, False]


PIECES = ["{root}", "{root}/..", "/", "..", "elsewhere", "link", "Trainer/model", "7", "gs://a",
          "x" * 300, "\n", "%", "'"]  # fmt: skip


@fuzz(25)
@given(parts=st.lists(st.sampled_from(PIECES), max_size=5))
@example(parts=["{root}", "x" * 300, "y", "7"])
@example(parts=["", "elsewhere", "x" * 300])
def test_no_place_that_is_recorded_leads_outside(
    tmp_path: Path, world: World, parts: list[str]
) -> None:
    root, outside = root_of(world), tmp_path / "elsewhere"
    outside.mkdir(exist_ok=True)
    (outside / "data").write_text("precious")
    if not (root / "link").is_symlink():
        (root / "link").symlink_to(outside)
    artifact = world.artifacts()[world.made(2, "Transform", "transform_graph")]
    artifact.uri = "/".join(parts).format(root=root)
    artifact.state = mlmd.Artifact.LIVE
    world.store.put_artifacts([artifact])
    repair(world)
    world.retention.carry_out(world.retention.find(1))
    assert (outside / "data").read_text() == "precious"
    assert (root / MARKER).exists()
