"""The registry, as a person and a program meet it; and what happens when it cannot be asked."""

import json
import multiprocessing
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evergreen import cli
from evergreen.cli import app
from evergreen.commands.options import user
from evergreen.errors import EvergreenError, SettingsError
from evergreen.lineage.policies import PolicyError
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.retries import RetryingStore, StoreError
from evergreen.lineage.sqlite import config
from evergreen.lineage.stages import RegistryError, Stage
from evergreen.runs.plan import ModelRef, Outcome, Request
from evergreen.texts import NOTHING
from evergreen.triggers.event import fired_event
from evergreen.triggers.log import TriggerLog
from tests.unit.commands.asking import HOSTILE, ask, check_harmless, last_line, options
from tests.unit.lineage.worlds import World

RUNS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    """Version 1 served, 2 serves, 6 is the canary, the others are archived; 5 was refused."""
    world = World.make(folder, RUNS)
    world.registry.promote(2, "ann", "held for a week", {"ticket": "ML-7"})
    return world


def stages(world: World) -> dict[int, Stage | None]:
    return {version.version: version.stage for version in world.lineage.versions()}


def test_a_version_has_a_history(folder: Path, world: World) -> None:
    shown = ask(folder, "models", "history", "1")
    assert re.search(r"serving {2}for .*\n {2}register by schedule: new data", shown.stdout)
    assert "archived" in shown.stdout
    assert "promote of version 2 by ann: held for a week" in shown.stdout
    assert "ticket: ML-7" in shown.stdout
    assert world.records[0].run_id in shown.stdout
    assert last_line(shown) == "next: evergreen lineage 1"
    told = json.loads(ask(folder, "models", "history", "1", "--json").stdout)
    assert [stay["stage"] for stay in told["stays"]] == ["serving", "archived"]
    assert told["stays"][0]["until"] == told["stays"][1]["event"]["when"]


def test_a_version_that_was_refused_has_a_history_too(folder: Path, world: World) -> None:
    shown = ask(folder, "models", "history", "5").stdout
    assert "never registered" in shown
    assert world.records[4].run_id in shown


def test_any_two_versions_are_compared(folder: Path, world: World) -> None:
    shown = ask(folder, "models", "diff", "1", "4")
    assert re.search(r"stage +archived +archived", shown.stdout)
    assert re.search(r"test auc +0.9500 +0.9500", shown.stdout)
    assert re.search(r"span 4 .*version 1", shown.stdout)
    assert last_line(shown) == "next: evergreen models history 4"
    found = json.loads(ask(folder, "models", "diff", "1", "5", "--json").stdout)
    runs = [world.records[index].run_id for index in (0, 4)]
    assert {"name": "run", "one": runs[0], "other": runs[1]} in found["registry"]
    assert found["runs"]["outcome"]["other"] == "model refused"


@pytest.mark.parametrize("words", [("history", "9"), ("diff", "1", "9"), ("diff", "9", "1")])
def test_a_version_that_is_not_there_is_named(
    folder: Path, world: World, words: tuple[str, ...]
) -> None:
    with pytest.raises(RegistryError, match="there is no version 9") as error:
        ask(folder, "models", *words)
    assert "1, 2, 3, 4, 5, 6" in error.value.hint


def test_options_before_a_subcommand_are_not_lost(folder: Path, world: World) -> None:
    with pytest.raises(SettingsError, match="models json history") as error:
        ask(folder, "models", "--json", "history", "1")
    assert error.value.hint == "Options come last: evergreen models history ..."


def test_who_may_promote_is_a_setting(tmp_path: Path) -> None:
    world = World.make(tmp_path, 3)
    guarded = ["--set", "registry.promotion.by=[gateway]"]
    with pytest.raises(PolicyError, match=f"{user()} may not: gateway may"):
        ask(tmp_path, "promote", "2", *guarded)
    with pytest.raises(PolicyError, match="may not"):
        ask(tmp_path, "reset-baseline", *guarded)
    assert stages(world)[2] is not Stage.SERVING


def test_a_change_names_what_it_takes_from_serving(tmp_path: Path) -> None:
    world = World.make(tmp_path, 6)
    before = stages(world)
    for words in (("rollback",), ("promote", "2"), ("reset-baseline",)):
        with pytest.raises(RegistryError, match="version 1 is serving, and not version 3") as told:
            ask(tmp_path, *words, "--expect", "3")
        assert re.search("evergreen models .*--log", told.value.hint)
    assert stages(world) == before
    ask(tmp_path, "promote", "2", "--expect", "1")
    assert stages(world)[2] is Stage.SERVING


def test_a_promotion_that_reaches_no_server_that_is_named_fails(tmp_path: Path) -> None:
    """The registry has it all the same; telling servers can be repeated."""
    world = World.make(tmp_path, 3)
    told = options(tmp_path)
    told[told.index("serving.exposure.by=hand")] = "serving.exposure.by=reload"
    for version in (1, 2):
        place = world.settings.serving.base_path / str(version)
        place.mkdir(parents=True, exist_ok=True)
        (place / "saved_model.pb").touch()
    words = ["promote", "2", *told, "--set", "gateway.backend.grpc=127.0.0.1:1"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code != 0
    assert isinstance(answer.exception, EvergreenError)
    assert "no model server answers at 127.0.0.1:1" in str(answer.exception)
    assert "the registry has it, but the servers have not followed" in str(answer.exception)
    assert "evergreen expose" in answer.exception.hint
    assert stages(world)[2] is Stage.SERVING


def test_evidence_is_given_and_kept(tmp_path: Path) -> None:
    world = World.make(tmp_path, 3)
    guarded = ["promote", "2", "--set", "registry.promotion.evidence=[ticket]"]
    with pytest.raises(PolicyError, match="nothing is told of 'ticket'") as error:
        ask(tmp_path, *guarded)
    assert "--evidence NAME=VALUE" in error.value.hint
    with pytest.raises(SettingsError, match="--evidence ticket"):
        ask(tmp_path, *guarded, "--evidence", "ticket")
    ask(tmp_path, *guarded, "--evidence", "ticket=ML-7")
    assert world.lineage.events()[-1].evidence["ticket"] == "ML-7"
    assert "ticket: ML-7" in ask(tmp_path, "models", "--log").stdout


def promote(folder: Path, version: int, start: Barrier, out: Path) -> None:
    """Promotes as the command does; both have read the log before one of them writes."""
    append = Registry._append

    def at_once(self: Registry, *args, **kwargs) -> None:
        start.wait(60)
        append(self, *args, **kwargs)

    Registry._append = at_once
    sys.argv = ["evergreen", "promote", str(version), *options(folder)]
    with out.open("w") as file, redirect_stdout(file), redirect_stderr(file):
        cli.main()


def test_of_two_people_who_promote_at_once_one_is_told(tmp_path: Path) -> None:
    world = World.make(tmp_path, 4)
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    people = {
        version: context.Process(
            target=promote, args=(tmp_path, version, start, tmp_path / f"{version}.txt")
        )
        for version in (2, 3)
    }
    for person in people.values():
        person.start()
    for person in people.values():
        person.join()
    codes = {person.exitcode: version for version, person in people.items()}
    assert set(codes) == {0, 1}
    told = (tmp_path / f"{codes[1]}.txt").read_text()
    assert "somebody else wrote to it at the same moment" in told
    assert "next: Look at the log and decide again." in told
    assert "metrics" not in told  # nothing of what was to be written
    assert f"version {codes[0]} is serving now" in (tmp_path / f"{codes[0]}.txt").read_text()
    assert stages(world)[codes[0]] is Stage.SERVING
    assert stages(world)[codes[1]] is not Stage.SERVING


HOLDER = """
import sqlite3, sys
writer = sqlite3.connect(sys.argv[1], isolation_level=None)
writer.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process writes, until its input is closed."""
    command = [sys.executable, "-c", HOLDER, str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield holder


def test_a_promotion_waits_for_another_writer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.make(tmp_path, 2)
    with locked(tmp_path / "metadata.sqlite") as holder:
        wait = RetryingStore._try

        def let_go(self: RetryingStore, *args) -> None:
            """The other one ends once it was waited for."""
            if "trying again" in caplog.text and not holder.stdin.closed:
                holder.stdin.close()
                holder.wait()
            wait(self, *args)

        monkeypatch.setattr(RetryingStore, "_try", let_go)
        said = ask(tmp_path, "promote", "2").stdout
    assert "version 2 is serving now" in said
    assert stages(world)[2] is Stage.SERVING


def test_who_waits_in_vain_for_another_writer_is_told(tmp_path: Path) -> None:
    world = World.make(tmp_path, 2)
    file = tmp_path / "metadata.sqlite"
    with locked(file):
        registry = Registry(RetryingStore(config(file), patience=0), "taxi")
        with pytest.raises(StoreError, match=r"locked by another process; .* is not done") as error:
            registry.promote(2, "ann", "better")
    assert error.value.hint
    assert stages(world)[2] is not Stage.SERVING


def test_a_store_whose_pages_are_damaged_is_named(tmp_path: Path) -> None:
    World.make(tmp_path, 30)
    file = tmp_path / "metadata.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        [(page,)] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'Context'")
    database.close()
    with file.open("r+b") as content:
        content.seek((page - 1) * 4096)
        content.write(b"\xff" * 4096)
    with pytest.raises(EvergreenError, match="malformed") as error:
        ask(tmp_path, "models")
    assert "backup" in error.value.hint


def test_a_version_without_files_is_not_promoted(tmp_path: Path) -> None:
    world = World.make(tmp_path, 3)
    shutil.rmtree(world.settings.serving.base_path / "2")
    with pytest.raises(RegistryError, match="version 2: its files are not at"):
        ask(tmp_path, "promote", "2")
    assert stages(world)[2] is not Stage.SERVING
    assert re.search(rf"MiB of files +{NOTHING} ", ask(tmp_path, "models", "diff", "2", "1").stdout)


@pytest.fixture
def hostile(tmp_path: Path) -> World:
    """Whoever may write has written the worst into every field that is shown."""
    world = World.make(tmp_path, 2)
    number = world.registry.take_version("hostile")
    model = ModelRef(version=number, artifact_id=1)
    evidence = {"run": "hostile", "path": HOSTILE, HOSTILE: HOSTILE}
    world.registry.register(model, HOSTILE, HOSTILE, evidence, Stage.CANARY)
    world.registry.promote(number, HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    last = world.records[-1]
    where = {"host": HOSTILE, "image": HOSTILE, "commit": HOSTILE, "package": HOSTILE}
    results = last.results.model_copy(
        update={"metrics": {HOSTILE: {HOSTILE: 1.0}}, "gates": {HOSTILE: False}}
    )
    changes = {
        "run_id": "hostile",
        "request": Request(requested_by=HOSTILE, reason=HOSTILE, overrides=(HOSTILE,)),
        "provenance": last.provenance.model_copy(update=where),
        "results": results,
        "outcome": Outcome.FAILED,
        "model_version": number,
    }
    RunRecords(world.store).create(last.model_copy(update=changes))
    return world


LINES = [
    "models", "models --log", "models --json", "models history 3", "models history 3 --json",
    "models diff 1 3", "models diff 1 3 --json", "lineage 3", "lineage 3 --json", "runs",
    "runs --json", "show hostile", "show hostile --json", "doctor", "rollback",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_hostile_texts_drive_no_terminal(
    hostile: World, tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        text = ask(tmp_path, *line.split()).stdout
    except EvergreenError as error:
        cli.explain(error)
        text = capsys.readouterr().err
        assert "error: " in text
    if "--json" in line:
        json.loads(text)
        assert text.isascii()
    else:
        check_harmless(text)


def test_an_error_of_hostile_texts_drives_no_terminal(
    hostile: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EvergreenError) as error:
        ask(tmp_path, "archive", "3")
    with pytest.raises(EvergreenError) as path:
        hostile.registry.archive(3, HOSTILE, HOSTILE)
    for hostile_error in (
        error.value,
        path.value,
        EvergreenError(HOSTILE + "\nnext line", hint=HOSTILE),
    ):
        cli.explain(hostile_error)
    said = capsys.readouterr().err
    check_harmless(said)
    assert "\nnext line\n" in said


def test_a_hostile_reason_of_a_trigger_drives_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EvergreenError) as refused:
        ask(tmp_path, "triggers", "fire", "--reason", HOSTILE)
    cli.explain(refused.value)
    check_harmless(capsys.readouterr().err)
    log = TriggerLog(RetryingStore(config(tmp_path / "metadata.sqlite")), "taxi")
    fired = log.notice(fired_event(HOSTILE, datetime.now(UTC), HOSTILE, HOSTILE))
    for words in (("history",), ("list",), ("explain", fired.id)):
        said = ask(tmp_path, "triggers", *words).stdout
        check_harmless(said)
        assert "<script>" in said or words == ("list",)
