"""The commands as a person types them, on a world that has happened."""

import pytest
from typer.testing import CliRunner

from evergreen.cli import app
from evergreen.errors import EvergreenError
from evergreen.lineage.stages import Stage
from evergreen.monitoring.results import Kind
from evergreen.running.conclusion import end
from evergreen.running.orchestrator import Progress
from evergreen.runs.plan import Outcome
from evergreen.triggers import signals
from tests.unit.planning.conftest import ROOT
from tests.unit.triggers.world import World, finding


def triggers(world: World, *words: str) -> str:
    """What a command prints."""
    own = (*world.bench.overrides, *world.overrides)
    pairs = [word for pair in own for word in ("--set", pair)]
    result = CliRunner().invoke(app, ["triggers", *words, "--project", str(ROOT), *pairs])
    if result.exception:
        raise result.exception
    return result.output


def test_the_triggers_are_listed_with_their_last_and_next_time(world: World) -> None:
    world.begin("triggers.schedule.cron=0 3 * * 1")
    world.step()
    lines = triggers(world, "list").splitlines()
    for name in ("manual", "schedule", "performance", "distribution"):
        assert any(name in line for line in lines)
    [new_data] = [line for line in lines if "new-data" in line]
    assert "2026-03-02 13:00" in new_data
    [schedule] = [line for line in lines[:-1] if "schedule" in line]
    assert "03:00:00 UTC" in schedule


def test_the_history_tells_everything_in_order(world: World) -> None:
    assert "nothing has happened yet" in triggers(world, "history")
    world.step()
    lines = triggers(world, "history").splitlines()
    assert ["event" in lines[0], "event" in lines[1]] == [True, True]
    assert "train, run" in lines[2]
    assert "rolling 8: spans 1-2" in lines[2]
    assert "model refused" in lines[3]
    assert len(triggers(world, "history", "--last", "1").splitlines()) == 2


def test_the_story_goes_from_the_evidence_to_the_canary(world: World) -> None:
    world.begin("triggers.new_data=null")
    world.serve(7)
    world.monitored(finding(Kind.PERFORMANCE, "auc"), version=7)
    world.runs.before = lambda record, attempt: (
        end(world.settings, world.store, record.run_id, Outcome.MODEL_REFUSED) and Progress.STOPPED
    )
    world.step()
    [record] = world.records
    assert record.model_version
    world.serve(record.model_version, Stage.CANARY)
    [event] = world.log.events.values()
    story = triggers(world, "explain", event.id)
    for words in (
        f"{event.id}, by performance",
        "performance of auc beyond the threshold",
        "performance: auc: 0.7 (0.6 to 0.75), threshold 0.8",
        "rows: 1000",
        f"train, run {record.run_id}",
        "rolling 8: spans 1-2",
        "baseline  version 7",
        "Model gate: It did not run.",
        f"version {record.model_version} is canary",
        "model refused",
    ):
        assert words in story
    assert triggers(world, "explain", record.run_id) == story


def test_the_story_of_what_was_not_started_says_why(world: World) -> None:
    world.step()
    event = world.fire()
    world.step()
    assert "nothing new since the training on spans 1-2" in triggers(world, "explain", event.id)


def test_what_never_happened_cannot_be_explained(world: World) -> None:
    with pytest.raises(EvergreenError, match="no event nonsense") as refusal:
        triggers(world, "explain", "nonsense")
    assert "history" in refusal.value.hint


def test_to_fire_is_to_ask_the_controller(world: World) -> None:
    world.step()
    said = triggers(world, "fire", "--force", "--reason", "a new feature", "--key", "k")
    assert triggers(world, "fire", "--force", "--reason", "again", "--key", "k") == said
    assert (signals.folder(world.settings) / signals.WAKE).exists()
    world.step()
    assert len(world.records) == 2
    assert world.records[-1].request.reason == "a new feature"
    assert world.log.events[said.split()[1].rstrip(":")].key == "manual:k"
