"""Versions are taken once and stages follow from the log, whoever else writes at the moment."""

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.registry import Event, Registry, RegistryConflictError, Stage
from evergreen.planning.plan import ModelRef
from tests.unit.lineage.making import make_store


@pytest.fixture
def registry(store: MetadataStore) -> Registry:
    return Registry(store, "taxi")


def register(registry: Registry, version: int, why: str = "a test") -> Stage:
    model = ModelRef(version=version, artifact_id=100 + version)
    return registry.register(model, who="somebody", why=why, evidence={"run": "one"})


def stages(registry: Registry) -> list[tuple[int, str]]:
    return [(event.model.version, event.stage.value) for event in registry.events()]


def take_in_a_process(file: Path, train_key: str) -> tuple[str, int]:
    return train_key, Registry(make_store(file), "taxi").take_version(train_key)


def register_in_a_process(file: Path, version: int) -> tuple[int, str]:
    return version, register(Registry(make_store(file), "taxi"), version).value


def test_a_training_keeps_its_version(registry: Registry) -> None:
    assert [registry.take_version(key) for key in ("a", "b", "a", "c")] == [1, 2, 1, 3]
    assert [registry.train_key(version) for version in (1, 2, 3, 4)] == ["a", "b", "c", None]


def test_planners_at_the_same_time_get_a_version_for_each_training(tmp_path: Path) -> None:
    file = tmp_path / "m.sqlite"
    make_store(file)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        wanted = [(file, f"key-{index % 4}") for index in range(12)]
        taken = set(pool.starmap(take_in_a_process, wanted, chunksize=1))
    assert len(taken) == 4
    assert sorted(version for _, version in taken) == [1, 2, 3, 4]


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
    with pytest.raises(RegistryConflictError) as conflict:
        registry._append(event(2), after=0)
    assert conflict.value.hint
    assert stages(registry) == [(1, "serving")]


def test_versions_pushed_at_the_same_time_are_all_registered_once(tmp_path: Path) -> None:
    file = tmp_path / "m.sqlite"
    make_store(file)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        wanted = [(file, index % 4 + 1) for index in range(12)]
        answers = pool.starmap(register_in_a_process, wanted, chunksize=1)
    log = stages(Registry(make_store(file), "taxi"))
    assert sorted(version for version, _ in log) == [1, 2, 3, 4]
    assert [stage for _, stage in log] == ["serving", *["candidate"] * 3]
    assert set(answers) == set(log)


@pytest.mark.parametrize("other", ["taxi-2", "taxi_22", "taxi"])
def test_models_in_one_store_do_not_see_each_other(store: MetadataStore, other: str) -> None:
    theirs = Registry(store, other)
    theirs.take_version("a")
    register(theirs, 1)
    mine = Registry(store, "taxi_2")
    assert mine.take_version("b") == 1
    assert mine.serving() is None
    assert register(mine, 1) is Stage.SERVING
