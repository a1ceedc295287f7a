"""The read API answers what ran, what it made and of what, wherever the metadata are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.metadata_store import MetadataStore

from benchmarks.lineage.history import make_history
from evergreen.errors import EvergreenError
from evergreen.lineage.mysql import PASSWORD
from evergreen.lineage.reader import Asked, Lineage
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import RegistryError, Stage
from evergreen.lineage.store import open_store
from evergreen.lineage.subgraphs import around_executions
from evergreen.lineage.trees import model_tree, span_tree
from evergreen.lineage.views import Branch, Way
from evergreen.runs.plan import Outcome, Request, RunRecord
from evergreen.settings import load_settings
from evergreen.settings.models import MetadataSettings
from tests import mariadb
from tests.project import ROOT
from tests.unit.lineage.making import make_record, make_store

RUNS = 6


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def full(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MetadataStore]:
    """A store with a history, which the tests only read."""
    with pytest.MonkeyPatch.context() as patch:
        place = MetadataSettings(sqlite=tmp_path_factory.mktemp("full") / "metadata.sqlite")
        if request.param == "mariadb":
            patch.setenv(PASSWORD, mariadb.PASSWORD)
            place = mariadb.metadata(request.getfixturevalue("mariadb_server").database())
        store = open_store(place)
        make_history(load_settings(ROOT), store, RUNS)
        yield store


@pytest.fixture
def lineage(full: MetadataStore) -> Lineage:
    return Lineage(full, "taxi")


@pytest.fixture
def records(full: MetadataStore) -> list[RunRecord]:
    return RunRecords(full).newest()[::-1]


def ids(found: list[RunRecord]) -> list[str]:
    return [record.run_id for record in found]


def names(branch: Branch) -> Iterator[str]:
    yield branch.name
    for below in branch.branches:
        yield from names(below)


def test_runs_come_newest_first_and_are_what_was_written(
    lineage: Lineage, records: list[RunRecord]
) -> None:
    assert [record.window[-1].number for record in lineage.runs()] == list(range(RUNS, 0, -1))
    assert lineage.runs(Asked(limit=2)) == records[:-3:-1]
    assert lineage.record("") == records[-1]


def test_runs_are_found_by_what_is_asked(lineage: Lineage, records: list[RunRecord]) -> None:
    refused = [record for record in records if record.outcome is Outcome.MODEL_REFUSED]
    assert ids(lineage.runs(Asked(outcome="model refused"))) == ids(refused)
    assert ids(lineage.runs(Asked(version=3))) == ids([records[2]])
    # The window is of four spans: the runs 2 to 5 trained on the second span.
    assert ids(lineage.runs(Asked(span=2))) == ids(records[4:0:-1])
    assert lineage.runs(Asked(outcome="none")) == []
    assert lineage.runs(Asked(since=datetime.now(UTC) + timedelta(days=1))) == []
    assert len(lineage.runs(Asked(since=datetime.now(UTC) - timedelta(days=1)))) == RUNS


@pytest.mark.parametrize("who", ["o'brien", "back\\slash", 'quo"te', "né\n東", "' OR 1=1 --"])
def test_a_name_is_a_name_and_no_query(store: MetadataStore, who: str) -> None:
    records = RunRecords(store)
    for run_id, by in (("one", who), ("two", "somebody")):
        records.create(make_record(run_id, request=Request(requested_by=by, reason=who)))
    [found] = Lineage(store, "taxi").runs(Asked(by=who))
    assert (found.run_id, found.request.requested_by) == ("one", who)


def test_a_run_has_its_nodes_with_what_they_read_and_made(
    lineage: Lineage, records: list[RunRecord]
) -> None:
    run = lineage.run(records[3].run_id)
    assert run.record == records[3]
    assert [view.part for view in run.nodes] == ["span-00004-v01"] * 6 + ["train"] * 7
    trainer = next(view for view in run.nodes if view.node.node_id == "Trainer")
    assert (trainer.node.state, trainer.node.host) == ("complete", "here")
    [model] = run.made("Trainer", "model")
    assert trainer.made("model") == (model.id,)
    assert model.type == "Model"
    transform = next(view for view in run.nodes if view.node.node_id == "Transform")
    read = {id_ for ids in transform.inputs.values() for id_ in ids}
    assert set(records[3].pins.examples) < read


def test_a_run_with_more_nodes_than_one_query_takes_is_whole(
    full: MetadataStore,
) -> None:
    executions = sorted(int(execution.id) for execution in full.get_executions()) * 2
    found = around_executions(full, executions)
    assert {execution.id for execution in found.found.executions} == set(executions)


def test_another_models_run_of_the_same_version_is_not_taken_for_this_ones(
    tmp_path: Path, records: list[RunRecord]
) -> None:
    """Models live side by side in one store, and each counts its versions from 1."""
    store = make_store(tmp_path / "metadata.sqlite")
    changes = {"model": "other", "model_version": 1}
    ours, theirs = records[0], records[0].model_copy(update=changes | {"run_id": "theirs"})
    for record in (ours, theirs):  # theirs is the newest
        RunRecords(store).create(record)
        assert Registry(store, record.model).take_version("key") == 1
    mine, other = Lineage(store, ours.model), Lineage(store, "other")
    assert (mine.record("").run_id, other.record("").run_id) == (ours.run_id, "theirs")
    assert mine.run_of(mine.version(1)) == ours.run_id
    assert other.run_of(other.version(1)) == "theirs"
    assert [record.run_id for record in mine.runs(Asked(version=1))] == [ours.run_id]
    assert ids(mine.runs()) == [ours.run_id]


def test_an_unknown_run_is_named(lineage: Lineage) -> None:
    with pytest.raises(EvergreenError, match="there is no run %' OR"):
        lineage.run("%' OR '1'='1")


def test_versions_have_stages_runs_and_events(lineage: Lineage, records: list[RunRecord]) -> None:
    versions = lineage.versions()
    assert [version.version for version in versions] == list(range(1, RUNS + 1))
    assert versions[0].stage is Stage.SERVING
    assert versions[4].stage is None  # the gate refused it
    assert versions[1].run_id == records[1].run_id
    assert versions[1].events[0].evidence["run"] == records[1].run_id
    with pytest.raises(RegistryError, match="no version 99"):
        lineage.version(99)


def test_a_model_leads_up_to_examples_and_down_to_who_used_it(
    lineage: Lineage, records: list[RunRecord]
) -> None:
    [model] = lineage.run(records[3].run_id).made("Trainer", "model")
    up = lineage.graph([model.id], Way.UP)
    assert set(records[3].pins.examples) < set(up.artifacts)
    first = up.maker(records[3].pins.examples[0])
    assert first is not None
    assert (first.run_id, first.node) == (records[0].run_id, "ExampleGen")
    down = lineage.graph([model.id], Way.DOWN, hops=1)
    assert {execution.node for execution in down.executions.values()} == {
        "Evaluator", "ModelGate", "ServingValidator",
    }  # fmt: skip


def test_the_tree_of_a_model_names_all_it_was_made_of(
    lineage: Lineage, records: list[RunRecord]
) -> None:
    found = list(names(model_tree(lineage, 4)))
    for number in (1, 2, 3, 4):
        assert f"span {number}, version 1" in found
    assert records[3].run_id in found
    assert "commit cccccccccccc" in found
    assert any(name.startswith("Schema ") for name in found)
    assert any(name.startswith("ModelEvaluation ") for name in found)
    assert f"version {records[3].baseline.version}" in found
    assert "none was serving" in list(names(model_tree(lineage, 1)))  # as `show` says


def test_the_tree_of_a_span_names_every_model_it_touched(lineage: Lineage) -> None:
    found = [name for name in names(span_tree(lineage, 2)) if name.startswith("version")]
    assert found == ["version 2", "version 3", "version 4", "version 5"]
    with pytest.raises(EvergreenError, match="no run has trained on span 77"):
        span_tree(lineage, 77)


def test_how_often_the_store_is_asked_does_not_depend_on_how_much_there_is(
    full: MetadataStore, lineage: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    call = type(full)._call

    def count(self: MetadataStore, method: str, *rest: Any) -> None:
        calls.append(method)
        call(self, method, *rest)

    monkeypatch.setattr(type(full), "_call", count)

    def asked(act: Any) -> int:
        calls.clear()
        act()
        return len(calls)

    assert asked(lineage.runs) == 1
    assert asked(lambda: lineage.run("")) <= 6
    assert asked(lineage.versions) <= 4
    assert asked(lambda: lineage.graph([1])) <= 4


def test_settings_are_kept_once_and_found_again(store: MetadataStore, tmp_path: Path) -> None:
    records = RunRecords(store)
    values = load_settings(ROOT).model_dump(mode="json", by_alias=True)
    digest = records.keep_settings(values)
    assert records.keep_settings(values) == digest
    assert records.settings(make_record("one", settings=digest)) == values
    with pytest.raises(EvergreenError, match="were not kept"):
        records.settings(make_record("one", settings="unknown"))
