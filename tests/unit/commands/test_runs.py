"""The commands that look at lineage, as a person and a program meet them."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from evergreen.errors import ChoiceError, EvergreenError
from evergreen.lineage.nodes import mark_running
from evergreen.lineage.records import RunRecords
from evergreen.runs.plan import Cause, Outcome, Request
from tests.project import ROOT
from tests.unit.commands.asking import HOSTILE, ask, check_harmless, last_line
from tests.unit.lineage.worlds import World

RUNS = 6
HOSTILE_CAUSE = Cause(events=(HOSTILE,), keys=(HOSTILE,), evidence={HOSTILE: HOSTILE}, window="")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return World.make(folder, RUNS)


def test_runs_are_listed_newest_first(folder: Path, world: World) -> None:
    answer = ask(folder, "runs", "--limit", "3")
    found = re.findall(r"^ ?(\d{8}-\d{6}-\w{6})", answer.stdout, re.MULTILINE)
    assert found == [record.run_id for record in world.records[:-4:-1]]
    assert last_line(answer) == f"next: evergreen show {world.records[-1].run_id}"


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_whatever_the_terminal_ids_and_outcomes_are_whole(
    folder: Path, world: World, width: int
) -> None:
    shown = ask(folder, "runs", width=width).stdout
    *lines, _ = shown.rstrip().splitlines()  # what to do next has the options that were given
    assert max(map(len, lines)) <= width
    for record in world.records:
        assert re.search(rf"^ {record.run_id} .* {record.outcome} ", shown, re.MULTILINE)
    assert any("schedule" in line for line in lines) is (width >= 120)


def test_the_beginning_of_an_id_is_enough_if_no_other_begins_so(folder: Path, world: World) -> None:
    ids = [record.run_id for record in world.records]
    short = next(
        ids[2][:length]
        for length in range(1, 30)
        if sum(known.startswith(ids[2][:length]) for known in ids) == 1
    )
    assert f"run {ids[2]} " in ask(folder, "show", short).stdout
    with pytest.raises(ChoiceError, match="more than one run begins with") as refused:
        ask(folder, "show", ids[2][:6])
    assert ids[-1] in refused.value.hint
    for nothing in ("%", "_", "nothing", "2' OR '1"):
        with pytest.raises(EvergreenError, match="there is no run"):
            ask(folder, "show", nothing)


def test_the_tree_is_whole_on_a_narrow_terminal(folder: Path, world: World) -> None:
    shown = re.sub(r"[\s│]+", " ", ask(folder, "lineage", "4", width=80).stdout)
    assert f"ingested by run {world.records[0].run_id}" in shown


def test_a_command_ends_with_the_very_next_one(folder: Path, world: World) -> None:
    newest = world.records[4].run_id  # the window of the newest begins after span 1
    for words, step in (
        (("lineage", "2"), "evergreen lineage span:2"),
        (("lineage", "span:2"), f"evergreen show {newest}"),
        (("show", world.records[4].run_id), f"evergreen report {world.records[4].run_id}"),
    ):
        assert last_line(ask(folder, *words)) == f"next: {step}"


def test_a_node_that_a_dead_process_worked_on_is_cut_off(tmp_path: Path) -> None:
    world = World.make(tmp_path, 1)
    record = world.records[0].model_copy(update={"outcome": None})
    RunRecords(world.store).update(record)
    mark_running(world.store, world.lineage.run(record.run_id).nodes[-1].node.execution_id)
    shown = ask(tmp_path, "show").stdout
    assert "died" in shown
    assert "■ cut off" in shown
    stays = ask(tmp_path, "gc", "--keep", "1").stdout
    assert f"what these runs may need stays, for they have not ended: {record.run_id}" in stays


def test_runs_are_filtered_and_sorted(folder: Path, world: World) -> None:
    refused = ask(folder, "runs", "--outcome", "model refused", "--json")
    assert [run["run_id"] for run in json.loads(refused.stdout)] == [world.records[4].run_id]
    longest = ask(folder, "runs", "--sort", "took", "--limit", "2", "--json")
    assert len(json.loads(longest.stdout)) == 2
    with pytest.raises(EvergreenError, match="--sort acu: no run has that") as error:
        ask(folder, "runs", "--sort", "acu")
    assert "auc" in error.value.hint
    nobody = ask(folder, "runs", "--by", "nobody")
    assert "no run matches" in nobody.stdout


def test_a_run_is_shown_with_its_nodes_metrics_and_gates(folder: Path, world: World) -> None:
    record = world.records[2]
    answer = ask(folder, "show", record.run_id)
    for text in (record.run_id, "schedule: new data", "Trainer", "Model ", "auc", "0.9500"):
        assert text in answer.stdout
    assert last_line(answer) == "next: evergreen lineage 3"
    shown = json.loads(ask(folder, "show", record.run_id, "--json").stdout)
    assert shown["record"]["digests"] == record.digests.model_dump()
    assert shown["state"] == "pushed"
    assert len(shown["nodes"]) == 13


def test_two_runs_are_compared(folder: Path, world: World) -> None:
    first, other = (world.records[index].run_id for index in (1, 4))
    answer = ask(folder, "compare", first, other)
    assert "model refused" in answer.stdout
    assert re.search(r"train Trainer +0.0 +0.0 ", answer.stdout)
    assert re.search(r"span 5 .*version 1", answer.stdout)
    assert last_line(answer) == f"next: evergreen show {other}"
    found = json.loads(ask(folder, "compare", first, other, "--json").stdout)
    assert {"name": "test auc", "one": 0.95, "other": 0.95} in found["metrics"]


def test_lineage_goes_both_ways(folder: Path, world: World) -> None:
    up = ask(folder, "lineage", "4")
    for text in ("span 1, version 1", world.records[3].run_id, "what became of it"):
        assert text in up.stdout
    down = json.loads(ask(folder, "lineage", "span:2", "--json").stdout)
    assert len(down["branches"][0]["branches"]) == 4
    with pytest.raises(EvergreenError, match="neither a model version nor a span"):
        ask(folder, "lineage", "../etc")


def test_models_as_json_have_their_events(folder: Path, world: World) -> None:
    versions = json.loads(ask(folder, "models", "--json").stdout)
    assert [version["version"] for version in versions] == list(range(1, RUNS + 1))
    assert versions[0]["stage"] == "serving"
    assert versions[0]["events"][0]["who"] == "schedule"


def test_gc_shows_before_it_does(tmp_path: Path) -> None:
    world = World.make(tmp_path, 8)
    before = sorted(tmp_path.rglob("data"))
    shown = ask(tmp_path, "gc", "--keep", "1")
    assert "may go" in shown.stdout
    assert last_line(shown) == "next: evergreen gc --keep 1 --yes"
    assert sorted(tmp_path.rglob("data")) == before
    done = ask(tmp_path, "gc", "--keep", "1", "--yes")
    assert "removed" in done.stdout
    assert len(sorted(tmp_path.rglob("data"))) < len(before)
    assert ask(tmp_path, "doctor").exit_code == 0
    assert "(removed)" in ask(tmp_path, "show", world.records[4].run_id).stdout


def test_the_doctor_repairs_when_told_to(tmp_path: Path) -> None:
    world = World.make(tmp_path, 2)
    record = world.records[1].model_copy(update={"outcome": None})
    RunRecords(world.store).update(record)
    assert "died" in ask(tmp_path, "runs").stdout
    found = ask(tmp_path, "doctor")
    assert found.exit_code == 6
    assert last_line(found) == "next: evergreen doctor --repair"
    assert ask(tmp_path, "doctor", "--repair").exit_code == 0
    assert last_line(ask(tmp_path, "runs")) == f"next: evergreen resume {record.run_id}"


def test_hostile_names_are_shown_as_they_are_and_do_nothing(tmp_path: Path) -> None:
    world = World.make(tmp_path, 2)
    record = world.records[-1].model_copy(
        update={
            "run_id": "hostile",
            "request": Request(requested_by=HOSTILE, reason=HOSTILE, cause=HOSTILE_CAUSE),
            "provenance": world.records[0].provenance.model_copy(
                update={"host": HOSTILE, "image": HOSTILE, "commit": HOSTILE}
            ),
            "outcome": Outcome.FAILED,
            "model_version": 2,
        }
    )
    RunRecords(world.store).create(record)
    world.registry.archive(2, HOSTILE, HOSTILE)
    for words in (
        ["runs"], ["show", "hostile"], ["compare", "hostile", world.records[0].run_id],
        ["lineage", "2"], ["lineage", "span:1"], ["models", "--log"],
    ):  # fmt: skip
        text = ask(tmp_path, *words).stdout
        check_harmless(text)
        if words != ["compare", "hostile", world.records[0].run_id]:
            assert "[red]" in text, words
    [found] = json.loads(ask(tmp_path, "runs", "--by", HOSTILE, "--json").stdout)
    assert found["request"]["reason"] == HOSTILE


OPENING = [
    "runs", "show", "compare a b", "lineage 1", "lineage span:1", "gc --keep 1", "doctor", "report",
    "models", "models --log", "models history 1", "models diff 1 2",
    "models export --to mlflow --uri http://127.0.0.1:1",
    "promote 1", "rollback", "archive 1", "reset-baseline", "expose", "resume", "stop 2026",
    "triggers list", "triggers history", "triggers fire",
]  # fmt: skip
"""Every command that opens the metadata store, and comes to an end."""


@pytest.mark.parametrize("line", OPENING)
@pytest.mark.parametrize("content", [b"a note", b"SQLite format 3\0" + b"x" * 4000])
def test_a_corrupt_store_is_named(tmp_path: Path, line: str, content: bytes) -> None:
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(content)
    with pytest.raises(EvergreenError, match="cannot be opened as a metadata store") as error:
        ask(tmp_path, *line.split())
    assert str(file) in str(error.value)
    assert error.value.hint
    assert file.read_bytes() == content


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a newer release of ML Metadata."""
    folder = tmp_path_factory.mktemp("newer")
    World.make(folder, 1)
    with closing(sqlite3.connect(folder / "metadata.sqlite")) as database, database:
        database.execute("UPDATE MLMDEnv SET schema_version = 999")
    return folder


@pytest.mark.parametrize("line", OPENING)
def test_a_store_of_a_newer_schema_is_named(newer: Path, line: str) -> None:
    with pytest.raises(EvergreenError, match="999") as error:
        ask(newer, *line.split())
    assert error.value.hint


def test_records_of_a_newer_release_are_named(tmp_path: Path) -> None:
    run_id = World.make(tmp_path, 1).records[0].run_id
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as database, database:
        changed = database.execute(
            "UPDATE ContextProperty SET string_value = replace(string_value, '{', '{\"new\":1,') "
            "WHERE name = 'record' OR name = 'event'"
        )
        assert changed.rowcount == 2
    for words, what in (("runs", f"the record of run {run_id}"), ("models", "event taxi/00000001")):
        with pytest.raises(EvergreenError, match=f"{what} is .* of another version") as error:
            ask(tmp_path, words)
        assert error.value.hint


def test_without_a_store_one_is_told_to_run(tmp_path: Path) -> None:
    answer = ask(tmp_path, "runs")
    assert "there is no run yet" in answer.stdout
    assert last_line(answer) == "next: evergreen run"
    with pytest.raises(EvergreenError, match="there is no run yet"):
        ask(tmp_path, "show")


def test_a_writer_that_locks_the_store_stops_nobody_from_looking(tmp_path: Path) -> None:
    world = World.make(tmp_path, 2)
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        script = "from tests.unit.commands.test_runs import look; look()"
        environment = os.environ | {"LOOKED_AT": str(tmp_path)}
        answer = subprocess.run(
            [sys.executable, "-c", script],
            check=False, capture_output=True, text=True, cwd=ROOT, env=environment,
        )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert world.records[0].run_id in answer.stdout


def look() -> None:
    """In a process of its own: an SQLite library that closes a file drops another's locks."""
    heavy = {"tensorflow", "tfx", "apache_beam", "keras", "pyarrow"}
    folder = Path(os.environ["LOOKED_AT"])
    for words in (["runs"], ["show"], ["models"], ["lineage", "1"]):
        print(ask(folder, *words).stdout)  # noqa: T201
    assert not heavy & set(sys.modules), heavy & set(sys.modules)


def test_artifacts_without_files_are_shown_all_the_same(tmp_path: Path) -> None:
    world = World.make(tmp_path, 2)
    world.settings.pipeline.root.rename(tmp_path / "elsewhere")
    ids = [record.run_id for record in world.records]
    for words in (["show"], ["compare", *ids], ["lineage", "2"], ["lineage", "span:1"]):
        assert ask(tmp_path, *words).exit_code == 0


def test_damaged_files_are_named(tmp_path: Path) -> None:
    world = World.make(tmp_path, 2)
    for artifact in world.store.get_artifacts():
        Path(artifact.uri, "report.json").write_text("{")
    first, other = (record.run_id for record in world.records)
    for words in (("show", first), ("compare", first, other), ("models", "diff", "1", "2")):
        with pytest.raises(EvergreenError, match=r"report\.json cannot be read") as error:
            ask(tmp_path, *words)
        assert "evergreen doctor" in error.value.hint
    (tmp_path / "reports").touch()
    with pytest.raises(EvergreenError, match=r"reports\.folder: .*: File exists"):
        ask(tmp_path, "report", first)
    (tmp_path / "reports").unlink()
    assert f"{first}.html" in ask(tmp_path, "report", first).stdout
