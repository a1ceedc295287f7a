"""Versions are taken once and stages follow from the log, whoever else writes at the moment."""

import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Event, Stage
from evergreen.lineage.store import ConflictError, open_store
from evergreen.runs.plan import ModelRef
from evergreen.settings.metadata import MetadataSettings


@pytest.fixture
def registry(store: MetadataStore) -> Registry:
    return Registry(store, "taxi")


def register(registry: Registry, version: int, why: str = "a test") -> Stage:
    model = ModelRef(version=version, artifact_id=100 + version)
    return registry.register(model, who="somebody", why=why, evidence={"run": "one"})


def stages(registry: Registry) -> list[tuple[int, str]]:
    return [(event.model.version, event.stage.value) for event in registry.events()]


WRITERS = 3
START: list[Barrier] = []


def run_writers(
    work: Callable[[Registry, int], list[tuple]], place: MetadataSettings
) -> list[tuple]:
    """Does work in several processes that begin at the same moment; returns all answers."""
    open_store(place)
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(WRITERS)
    with context.Pool(WRITERS, initializer=meet_at, initargs=[start]) as pool:
        tasks = [(work, place, number) for number in range(WRITERS)]
        answers = pool.starmap(run_writer, tasks, chunksize=1)
    return [answer for part in answers for answer in part]


def meet_at(barrier: Barrier) -> None:
    START.append(barrier)


def run_writer(
    work: Callable[[Registry, int], list[tuple]], place: MetadataSettings, number: int
) -> list[tuple]:
    registry = Registry(open_store(place), "taxi")
    START[0].wait(60)
    return work(registry, number)


def take_shared_and_own(registry: Registry, number: int) -> list[tuple]:
    keys = [key for index in range(5) for key in (f"shared-{index}", f"own-{number}-{index}")]
    return [(key, registry.take_version(key)) for key in keys]


def register_in_another_order(registry: Registry, number: int) -> list[tuple]:
    versions = [(index + 2 * number) % 6 + 1 for index in range(6)]
    return [(version, register(registry, version).value) for version in versions]


def test_a_training_keeps_its_version(registry: Registry) -> None:
    assert [registry.take_version(key) for key in ("a", "b", "a", "c")] == [1, 2, 1, 3]
    assert [registry.train_key(version) for version in (1, 2, 3, 4)] == ["a", "b", "c", None]


def test_a_version_that_was_given_back_is_taken_again(registry: Registry) -> None:
    assert [registry.take_version(key) for key in ("a", "b")] == [1, 2]
    registry.release_version("b")
    assert registry.versions() == {1: "a"}
    assert registry.train_key(2) is None
    assert registry.take_version("c") == 2
    registry.release_version("b")  # which is not the holder any more
    assert registry.take_version("b") == 3
    registry.release_version("a")  # an earlier number is no gap that a later model may fill
    assert registry.take_version("d") == 4
    assert registry.versions() == {2: "c", 3: "b", 4: "d"}


def test_a_registered_version_is_not_given_back(registry: Registry) -> None:
    registry.take_version("a")
    register(registry, 1)
    registry.release_version("a")
    assert registry.take_version("b") == 2


def test_planners_at_the_same_time_get_a_version_for_each_training(place: MetadataSettings) -> None:
    taken = run_writers(take_shared_and_own, place)
    versions = dict(taken)
    assert set(versions.items()) == set(taken)
    assert sorted(versions.values()) == list(range(1, 5 + 5 * WRITERS + 1))


def test_the_first_version_is_serving_and_later_ones_are_candidates(registry: Registry) -> None:
    assert registry.serving() is None
    assert [register(registry, version) for version in (2, 5, 3)] == [
        Stage.SERVING,
        Stage.CANDIDATE,
        Stage.CANDIDATE,
    ]
    assert registry.serving() == ModelRef(version=2, artifact_id=102)
    first = registry.events()[0]
    assert (first.who, first.why, first.evidence) == ("somebody", "a test", {"run": "one"})


def test_registering_again_changes_nothing(registry: Registry) -> None:
    register(registry, 1)
    register(registry, 2)
    before = registry.events()
    assert register(registry, 1, why="again") is Stage.SERVING
    assert register(registry, 2, why="again") is Stage.CANDIDATE
    assert registry.events() == before


def test_of_two_writers_that_saw_the_same_log_one_wins(registry: Registry) -> None:
    def event(version: int) -> Event:
        model = ModelRef(version=version, artifact_id=version)
        return Event(model=model, stage=Stage.SERVING, who="", when=datetime.now(UTC), why="")

    registry._append(event(1), after=0)
    with pytest.raises(ConflictError) as conflict:
        registry._append(event(2), after=0)
    assert conflict.value.hint
    assert stages(registry) == [(1, "serving")]


def test_versions_pushed_at_the_same_time_are_all_registered_once(place: MetadataSettings) -> None:
    answers = run_writers(register_in_another_order, place)
    log = stages(Registry(open_store(place), "taxi"))
    assert sorted(version for version, _ in log) == list(range(1, 7))
    assert [stage for _, stage in log] == ["serving", *["candidate"] * 5]
    assert set(answers) == set(log)


def promote_another(registry: Registry, number: int) -> list[tuple]:
    try:
        return [(registry.promote(number + 2, who="somebody", why="a test").model.version,)]
    except ConflictError:
        return []


def test_of_promotions_at_the_same_time_the_last_that_won_serves(place: MetadataSettings) -> None:
    registry = Registry(open_store(place), "taxi")
    for version in range(1, WRITERS + 2):
        register(registry, version)
    won = run_writers(promote_another, place)
    log = stages(registry)[WRITERS + 1 :]
    assert sorted(log) == sorted((version, "serving") for (version,) in won)
    assert registry.serving().version == log[-1][0]


@pytest.mark.parametrize("other", ["taxi-2", "taxi_22", "taxi"])
def test_models_in_one_store_do_not_see_each_other(store: MetadataStore, other: str) -> None:
    theirs = Registry(store, other)
    theirs.take_version("a")
    register(theirs, 1)
    mine = Registry(store, "taxi_2")
    assert mine.take_version("b") == 1
    assert mine.serving() is None
    assert register(mine, 1) is Stage.SERVING


def test_a_change_of_stage_says_which_run_made_the_version_and_who_served(
    registry: Registry,
) -> None:
    register(registry, 1)
    register(registry, 2)
    promoted = registry.promote(2, "somebody", "held for a week")
    assert promoted.evidence == {"run": "one", "served before": "version 1"}
    back = registry.rollback(None, "somebody", "wrong fares")
    assert back.evidence == {"run": "one", "served before": "version 2"}
    assert [event.evidence for event in registry.events()][-2:] == [
        promoted.evidence,
        back.evidence,
    ]
