"""Changes of a model's versions, and the stages that follow."""

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Action, RegistryError, Stage, stages, stays
from evergreen.lineage.store import ConflictError
from evergreen.runs.plan import ModelRef


@pytest.fixture
def registry(store: MetadataStore) -> Registry:
    """Version 1 serves, 2 and 3 are candidates."""
    registry = Registry(store, "taxi")
    for version in (1, 2, 3):
        model = ModelRef(version=version, artifact_id=version)
        registry.register(model, who="run", why="pushed", evidence={})
    return registry


def now(registry: Registry) -> dict[int, str]:
    return {version: stage.value for version, stage in stages(registry.events()).items()}


def test_promoting_archives_what_served(registry: Registry) -> None:
    event = registry.promote(2, who="ada", why="better")
    assert now(registry) == {1: "archived", 2: "serving", 3: "candidate"}
    assert (event.action, event.who, event.why) == (Action.PROMOTE, "ada", "better")
    assert registry.events()[-1] == event


def test_rolling_back_rejects_what_served(registry: Registry) -> None:
    registry.promote(2, who="ada", why="better")
    registry.rollback(None, who="bob", why="it is not")
    assert now(registry) == {1: "serving", 2: "rejected", 3: "candidate"}


def test_rolling_back_twice_goes_on_to_the_one_before(registry: Registry) -> None:
    registry.promote(2, who="ada", why="")
    registry.promote(3, who="ada", why="")
    assert registry.rollback(None, who="ada", why="").model.version == 2
    assert registry.rollback(None, who="ada", why="").model.version == 1
    with pytest.raises(RegistryError, match="nothing to go back to"):
        registry.rollback(None, who="ada", why="")


def test_a_rejected_version_is_promoted_only_by_going_back_to_it(registry: Registry) -> None:
    registry.promote(2, who="ada", why="")
    registry.rollback(None, who="ada", why="")
    with pytest.raises(RegistryError, match="version 2 is rejected") as refusal:
        registry.promote(2, who="ada", why="")
    assert "evergreen rollback --to 2" in refusal.value.hint
    registry.rollback(2, who="ada", why="")
    assert now(registry)[2] == "serving"


def test_only_a_version_that_served_can_be_gone_back_to(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="version 3"):
        registry.rollback(3, who="ada", why="")


def test_what_came_meanwhile_is_not_taken_from_serving_unseen(registry: Registry) -> None:
    registry.promote(2, who="ada", why="", expect=1)
    canary(registry, 4)
    refused = "version 2 is serving, and not version 1 as was expected"
    for change in (
        lambda: registry.rollback(None, who="bob", why="1 is wrong", expect=1),
        lambda: registry.promote(3, who="bob", why="better than 1", expect=1),
        lambda: registry.reset_baseline(who="bob", why="relabelled", expect=1),
        lambda: registry.conclude(4, Stage.SERVING, "gateway", "held", {}, expect=1),
    ):
        with pytest.raises(RegistryError, match=refused):
            change()
    assert now(registry) == {1: "archived", 2: "serving", 3: "candidate", 4: "canary"}
    with pytest.raises(RegistryError, match="version 2 is serving, and not nothing"):
        registry.promote(3, who="bob", why="", expect=0)
    assert registry.rollback(None, who="bob", why="2 is wrong", expect=2).model.version == 1


def canary(registry: Registry, version: int) -> None:
    model = ModelRef(version=version, artifact_id=version)
    registry.register(model, who="run", why="pushed", evidence={}, stage=Stage.CANARY)


def test_the_next_canary_archives_the_one_before(registry: Registry) -> None:
    canary(registry, 4)
    canary(registry, 5)
    assert now(registry) == {
        1: "serving",
        2: "candidate",
        3: "candidate",
        4: "archived",
        5: "canary",
    }
    registry.archive(5, "ada", "")
    assert "canary" not in now(registry).values()


@pytest.mark.parametrize(("promoted", "stage"), [(3, "canary"), (5, "archived")])
def test_a_canary_ends_when_a_later_version_serves(
    registry: Registry, promoted: int, stage: str
) -> None:
    canary(registry, 4)
    later = ModelRef(version=5, artifact_id=5)
    registry.register(later, who="run", why="pushed", evidence={})
    registry.promote(promoted, "ada", "")
    assert now(registry)[4] == stage
    assert now(registry)[promoted] == "serving"


def test_what_serves_is_not_archived(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="version 1 is serving"):
        registry.archive(1, who="ada", why="")
    registry.archive(2, who="ada", why="")
    assert now(registry)[2] == "archived"


def test_without_a_baseline_the_next_version_serves(registry: Registry) -> None:
    registry.reset_baseline(who="ada", why="the label has changed")
    assert registry.serving() is None
    with pytest.raises(RegistryError, match="nothing is serving"):
        registry.reset_baseline(who="ada", why="")
    model = ModelRef(version=4, artifact_id=4)
    assert registry.register(model, who="run", why="", evidence={}) is Stage.SERVING


def test_later_versions_are_entered_as_the_settings_say(registry: Registry) -> None:
    model = ModelRef(version=4, artifact_id=4)
    stage = registry.register(model, who="run", why="", evidence={}, stage=Stage.CANARY)
    assert stage is Stage.CANARY


@pytest.mark.parametrize("action", ["promote", "archive"])
def test_an_unknown_version_is_refused_by_name(registry: Registry, action: str) -> None:
    with pytest.raises(RegistryError, match="version 9") as refusal:
        getattr(registry, action)(9, who="ada", why="")
    assert "1, 2, 3" in refusal.value.hint


def test_of_two_people_who_promote_at_once_one_is_told(
    registry: Registry, store: MetadataStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = registry.events()
    Registry(store, "taxi").promote(2, who="ada", why="")
    monkeypatch.setattr(registry, "events", lambda: seen)  # read before ada wrote
    with pytest.raises(ConflictError, match="at the same moment"):
        registry.promote(3, who="bob", why="")
    assert stages(Registry(store, "taxi").events())[2] is Stage.SERVING


def test_a_version_remembers_the_stages_it_was_in(registry: Registry) -> None:
    registry.promote(2, who="ada", why="better")
    registry.rollback(None, who="bob", why="it is not")
    found = stays(registry.events())
    assert [stay.stage for stay in found[1]] == [Stage.SERVING, Stage.ARCHIVED, Stage.SERVING]
    assert [stay.stage for stay in found[2]] == [Stage.CANDIDATE, Stage.SERVING, Stage.REJECTED]
    first, away, back = found[1]
    assert (first.until, away.until, back.until) == (away.event.when, back.event.when, None)
    assert (away.event.who, away.event.model.version) == ("ada", 2)
    assert {version: been[-1].stage for version, been in found.items()} == stages(registry.events())
