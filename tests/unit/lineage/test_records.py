"""Run records: what was written is what is read."""

import multiprocessing

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import AlreadyExistsError
from evergreen.runs.plan import ModelRef, Outcome, Pins
from tests.unit.lineage.making import make_record


@pytest.fixture
def records(store: MetadataStore) -> RunRecords:
    return RunRecords(store)


def test_a_record_reads_back_equal(records: RunRecords) -> None:
    record = make_record("one", baseline=ModelRef(version=3, artifact_id=17))
    records.create(record)
    assert records.get("one") == record


def test_a_run_id_is_taken_once(records: RunRecords) -> None:
    first = make_record("one")
    records.create(first)
    with pytest.raises(AlreadyExistsError):
        records.create(make_record("one", train_key="other"))
    assert records.get("one") == first


def test_an_update_replaces_that_record_only(records: RunRecords) -> None:
    first, second = make_record("one"), make_record("two")
    records.create(first)
    records.create(second)
    ended = first.with_pins(Pins(examples=(4, 5), analyzer_cache=6)).ended(Outcome.PUSHED)
    records.update(ended)
    assert records.get("one") == ended
    assert records.get("two") == second
    assert ended.finished
    assert ended.finished >= first.created


def test_the_latest_record_with_all_of_the_keys_is_found(records: RunRecords) -> None:
    for run_id, train_key in [("one", "a"), ("two", "a"), ("three", "b")]:
        records.create(make_record(run_id, train_key=train_key))
    records.update(make_record("one", train_key="a").ended(Outcome.PUSHED))

    def latest(**keys: str) -> str | None:
        found = records.latest(**keys)
        return found.run_id if found else None

    assert latest() == "three"
    assert latest(train_key="a") == "two"
    assert latest(train_key="a", outcome=Outcome.PUSHED) == "one"
    assert latest(train_key="b", outcome=Outcome.PUSHED) is None


def test_a_run_that_is_not_there_is_named(records: RunRecords) -> None:
    with pytest.raises(EvergreenError, match="there is no run nowhere"):
        records.get("nowhere")
    with pytest.raises(EvergreenError, match="there is no run nowhere"):
        records.update(make_record("nowhere"))


def test_a_store_that_was_opened_before_a_fork_works_in_parent_and_child(
    store: MetadataStore,
) -> None:
    records = RunRecords(store)
    records.create(make_record("before"))
    child = multiprocessing.get_context("fork").Process(
        target=records.create, args=[make_record("child")]
    )
    child.start()
    child.join(60)
    records.create(make_record("parent"))
    assert [records.get(name).run_id for name in ("before", "child", "parent")] == [
        "before",
        "child",
        "parent",
    ]
