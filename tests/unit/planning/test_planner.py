"""From a request to a run record, against real spans and a real metadata store."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from evergreen.errors import DataError, EvergreenError, SettingsError
from evergreen.lineage.records import RunRecords
from evergreen.lineage.stages import Event, Stage
from evergreen.runs.plan import ModelRef, Outcome, RunRecord
from evergreen.spans import list_spans
from tests.unit.lineage.making import folder_of, make_store, put_artifact, put_maker, put_span
from tests.unit.planning.conftest import Bench

KEYS = ("transform_key", "train_key", "run_key")


def keys(record: RunRecord) -> list[str]:
    return [getattr(record, key) for key in KEYS]


def serve(bench: Bench, version: int, artifact_id: int, run_id: str = "") -> ModelRef:
    """Makes a version the one that serves, whatever serves now."""
    model = ModelRef(version=version, artifact_id=artifact_id)
    event = Event(
        model=model,
        stage=Stage.SERVING,
        who="",
        when=datetime.now(UTC),
        why="",
        evidence={"run": run_id} if run_id else {},
    )
    bench.registry._append(event, after=len(bench.registry.events()))
    return model


def test_the_record_is_in_the_store_before_anything_starts(bench: Bench) -> None:
    record = bench.plan(spans="1-2")
    assert RunRecords(make_store(bench.folder / "metadata.sqlite")).get(record.run_id) == record
    assert [span.number for span in record.window] == [1, 2]
    assert record.to_ingest == record.window
    assert (record.model_version, record.baseline, record.pins) == (1, None, None)


def test_the_same_request_again_is_another_run_of_the_same_key_and_version(bench: Bench) -> None:
    first, second = bench.plan(), bench.plan(reason="once more")
    assert keys(second) == keys(first)
    assert second.model_version == first.model_version
    assert second.run_id != first.run_id


def test_without_cache_every_run_is_new(bench: Bench) -> None:
    first, second, third = bench.plan(), bench.plan(cache=False), bench.plan(cache=False)
    for earlier, other in [(first, second), (second, third)]:
        assert not set(keys(earlier)) & set(keys(other))
    assert [run.model_version for run in (first, second, third)] == [1, 2, 3]


Change = Callable[[Bench], RunRecord]
CHANGES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "hyperparameters": (
        lambda bench: bench.plan("model.hyperparameters.epochs=3"),
        ("train_key", "run_key"),
    ),
    "trainer": (
        lambda bench: bench.plan("model.run_fn=tests.integration.failing.run_fn"),
        ("train_key", "run_key"),
    ),
    "definition": (
        lambda bench: bench.edit("definition/graph.py") or bench.plan(),
        ("train_key", "run_key"),
    ),
    "use case": (lambda bench: bench.edit("use_case/model.py") or bench.plan(), KEYS),
    "helper outside of the use case": (
        lambda bench: bench.edit("shared/clean.py") or bench.plan(),
        KEYS,
    ),
    "word list": (lambda bench: bench.edit("use_case/words.csv") or bench.plan(), KEYS),
    "lock": (lambda bench: bench.edit("lock.txt") or bench.plan(), KEYS),
    "schema": (lambda bench: bench.edit("schema.pbtxt") or bench.plan(), KEYS),
    "splits": (lambda bench: bench.plan("data.splits.train=8"), KEYS),
    "row key": (lambda bench: bench.plan("data.key=another_id"), KEYS),
    "window": (lambda bench: bench.plan(spans="1"), KEYS),
    "content": (lambda bench: bench.publish(2, value=1) and bench.plan(), KEYS),
    "experiment": (lambda bench: bench.plan(experiment=True), ("run_key",)),
    "threshold": (lambda bench: bench.plan("gates.model.min_rows=50"), ("run_key",)),
    "label": (lambda bench: bench.plan("model.label=tip"), ("run_key",)),
    "model's name": (lambda bench: bench.plan("model.name=other"), ("run_key",)),
    "where models go": (lambda bench: bench.plan("serving.base_path=/elsewhere"), ("run_key",)),
    "same window": (lambda bench: bench.plan(spans="1-2"), ()),
    "same content": (lambda bench: bench.publish(2, value=0) and bench.plan(), ()),
    "orchestrator": (lambda bench: bench.plan("pipeline.orchestrator=beam"), ()),
    "log folder": (lambda bench: bench.plan("logs.folder=/elsewhere"), ()),
}


def test_a_schema_with_a_typing_error_is_told_before_anything_is_recorded(bench: Bench) -> None:
    schema = bench.folder / "schema.pbtxt"
    schema.write_text(schema.read_text() + "feature {\n  nmae: 'x'\n}\n")
    with pytest.raises(SettingsError, match=r"schema.pbtxt, line 3: "):
        bench.plan()
    assert not bench.store.get_executions()
    assert {context.type for context in bench.store.get_contexts()} <= {"evergreen.store"}


def test_tokens_for_missing_values_are_part_of_what_is_ingested(bench: Bench) -> None:
    before, after = bench.plan(), bench.plan("data.missing=[NA]")
    assert [span.ingest_key for span in before.window] != [span.ingest_key for span in after.window]


@pytest.mark.parametrize(("change", "changed"), CHANGES.values(), ids=CHANGES)
def test_a_change_moves_the_keys_that_depend_on_it(
    bench: Bench, change: Change, changed: tuple[str, ...]
) -> None:
    before, after = bench.plan(), change(bench)
    differing = [key for key in KEYS if getattr(before, key) != getattr(after, key)]
    assert differing == list(changed)
    if not after.request.experiment:
        assert after.model_version == (2 if "train_key" in changed else 1)


def test_a_run_is_planned_again_with_the_code_of_now(bench: Bench) -> None:
    before = bench.plan()
    bench.ingest(before)
    assert bench.planner().again(before) == before
    bench.edit("use_case/model.py")
    after = bench.planner().again(before)
    same = {"run_id", "request", "window", "to_ingest", "baseline", "settings", "created"}
    assert after.model_dump(include=same) == before.model_dump(include=same)
    assert after.train_key != before.train_key
    assert after.model_version == before.model_version == 1
    assert after.attempts == {"train": 2}
    bench.edit("schema.pbtxt")
    ingested = bench.planner().again(after)
    assert ingested.attempts == {"train": 3, "span-00001-v01": 2, "span-00002-v01": 2}
    assert ingested.window != after.window


def test_a_corrected_trainer_keeps_the_inputs_of_transform(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(bench.folder)
    trainer, ours = bench.folder / "elsewhere.py", "model.run_fn=elsewhere.run_fn"
    trainer.write_text("def run_fn(fn_args): ...\n")
    record = bench.plan(ours)
    bench.ingest(record)
    pinned = bench.planner(ours).pin(record)
    put_artifact(bench.store, "TransformCache", bench.folder)  # what its Transform has left
    trainer.write_text("def run_fn(fn_args): print()\n")
    after = bench.planner(ours).again(pinned)
    assert after.train_key != pinned.train_key
    assert (after.pins, after.attempts) == (pinned.pins, {"train": 2})
    bench.edit("use_case/model.py")
    assert bench.planner(ours).again(after).pins is None


def test_a_new_version_of_a_span_is_to_be_ingested_and_the_others_are_not(bench: Bench) -> None:
    bench.ingest(bench.plan())
    bench.publish(2, value=1)
    record = bench.plan()
    assert [(span.number, span.version) for span in record.window] == [(1, 1), (2, 2)]
    assert [span.label for span in record.to_ingest] == ["span-00002-v02"]


def test_a_trainer_outside_of_the_use_case_is_part_of_the_training(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(bench.folder)
    trainer = bench.folder / "elsewhere.py"
    trainer.write_text("def run_fn(fn_args): ...\n")
    before = bench.plan("model.run_fn=elsewhere.run_fn")
    trainer.write_text("def run_fn(fn_args): print()\n")
    after = bench.plan("model.run_fn=elsewhere.run_fn")
    assert after.transform_key == before.transform_key
    assert after.train_key != before.train_key
    with pytest.raises(SettingsError, match=r"model\.run_fn = nowhere\.run_fn"):
        bench.plan("model.run_fn=nowhere.run_fn")


def test_a_file_that_a_hyperparameter_names_is_part_of_the_training(bench: Bench) -> None:
    named = bench.folder / "words.tsv"
    named.write_text("a")
    words = f"model.hyperparameters={{lists: [{named}]}}"
    before = bench.plan(words)
    assert bench.plan(words).train_key == before.train_key
    named.write_text("b")
    after = bench.plan(words)
    assert after.train_key != before.train_key
    assert after.transform_key == before.transform_key


def test_a_span_that_other_code_ingested_is_ingested_again(bench: Bench) -> None:
    record = bench.plan()
    bench.ingest(record)
    digests = record.digests
    planner, [span, _] = bench.planner(), list_spans(bench.folder / "spans/year")
    assert planner.reference(span, digests) == record.window[0]
    other = planner.reference(span, digests.model_copy(update={"ingestion": "other"}))
    assert other.ingest_key != record.window[0].ingest_key
    serving = digests.model_copy(update={"platform": "other"})
    assert planner.reference(span, serving) == record.window[0]


def test_an_analysis_with_another_word_list_is_not_used_again(bench: Bench) -> None:
    record = bench.plan()
    bench.ingest(record)
    made = put_artifact(bench.store, "TransformCache", bench.folder)
    put_maker(bench.store, made, use_case_data_digest=record.digests.use_case_data)
    assert bench.planner().pin(record).pins.analyzer_cache == made
    bench.edit("use_case/model.py")  # code is part of the graph, which the cache is found by
    assert bench.planner().pin(bench.plan()).pins.analyzer_cache == made
    bench.edit("use_case/words.csv")
    assert bench.planner().pin(bench.plan()).pins.analyzer_cache is None
    (bench.folder / "use_case/words.csv").unlink()
    assert bench.planner().pin(bench.plan()).pins.analyzer_cache is None
    before_digests = put_artifact(bench.store, "TransformCache", bench.folder)
    assert bench.planner().pin(bench.plan(spans="1")).pins.analyzer_cache == before_digests


def test_an_experiment_takes_no_version(bench: Bench) -> None:
    assert bench.plan(experiment=True).model_version is None
    assert bench.plan("model.hyperparameters.epochs=3").model_version == 1


def test_what_is_missing_is_named_and_nothing_is_written(bench: Bench) -> None:
    with pytest.raises(DataError, match=r"no span 4-5 under .*/year") as error:
        bench.plan(spans="1,4-5")
    assert "1-2" in error.value.hint
    with pytest.raises(DataError, match=r"month: there are no spans") as error:
        bench.plan("data.period=month")
    assert error.value.hint.endswith("evergreen data prepare")
    with pytest.raises(EvergreenError, match="nowhere: does not exist"):
        bench.plan(f"pipeline.use_case=[{bench.folder}/nowhere]")
    assert bench.records.latest() is None
    assert bench.registry.take_version("the first one") == 1


def test_a_damaged_version_is_not_passed_over_for_the_one_before(bench: Bench) -> None:
    newest = bench.publish(2, value=1)
    unfinished = newest.path.parent / "version-03"
    unfinished.mkdir()
    assert bench.plan().window[1].version == 2
    (newest.path / "manifest.json").write_text("{}")
    for asked in (None, "1-2", "2"):
        with pytest.raises(DataError, match=r"version-02/.*; version 1 of span 2 would be used"):
            bench.plan(spans=asked)
    assert bench.plan(spans="1").window[0].number == 1


def test_the_baseline_is_the_serving_model(bench: Bench) -> None:
    assert bench.plan().baseline is None
    serving = serve(bench, version=7, artifact_id=70)
    assert bench.plan().baseline == serving
    bench.registry.register(ModelRef(version=8, artifact_id=80), who="", why="", evidence={})
    assert bench.plan().baseline == serving


def test_the_first_model_is_not_compared_with_itself(bench: Bench) -> None:
    first = bench.plan()
    bench.records.update(first.ended(Outcome.PUSHED))
    serve(bench, version=1, artifact_id=10)
    again = bench.plan()
    assert again.baseline is None
    assert again.run_key == first.run_key


def test_a_training_whose_model_serves_keeps_the_baseline_it_was_compared_with(
    bench: Bench,
) -> None:
    tuned = "model.hyperparameters.epochs=3"
    bench.plan()
    first = serve(bench, version=1, artifact_id=10)
    candidate = bench.plan(tuned)
    bench.records.update(candidate.ended(Outcome.PUSHED))
    second = serve(bench, version=2, artifact_id=20, run_id=candidate.run_id)
    again = bench.plan(tuned)
    bench.records.update(again.ended(Outcome.UNCHANGED))
    assert candidate.baseline == again.baseline == bench.plan(tuned).baseline == first
    assert again.run_key == candidate.run_key
    assert bench.plan().baseline == second


def test_only_blessed_spans_are_pinned(bench: Bench) -> None:
    record = bench.plan()
    with pytest.raises(DataError, match="span-00001-v01 is not ingested, or did not pass"):
        bench.planner().pin(record)
    bench.ingest(record, blessed=False)
    with pytest.raises(DataError, match="span-00001-v01 is not ingested, or did not pass"):
        bench.planner().pin(record)
    assert bench.records.get(record.run_id) == record
    assert bench.plan().to_ingest == record.window


def test_pins_are_the_examples_of_the_window_in_its_order(bench: Bench) -> None:
    record = bench.plan()
    bench.ingest(bench.plan("data.splits.train=8"))
    bench.ingest(record.model_copy(update={"window": record.window[::-1]}))
    examples = bench.ingest(record)
    pinned = bench.planner().pin(record)
    assert pinned.pins
    assert pinned.pins.examples == tuple(examples)
    assert bench.records.get(record.run_id) == pinned
    assert bench.plan().to_ingest == ()


def test_a_span_whose_files_were_deleted_is_not_in(bench: Bench) -> None:
    record = bench.plan()
    first, _ = bench.ingest(record)
    shutil.rmtree(folder_of(bench.store, first))
    again = bench.plan()
    assert again.to_ingest == record.window[:1]
    with pytest.raises(DataError, match="span-00001-v01 is not ingested"):
        bench.planner().pin(again)


def test_without_cache_the_whole_window_is_ingested_again(bench: Bench) -> None:
    record = bench.plan()
    bench.ingest(record)
    assert bench.plan(cache=False).to_ingest == record.window


def test_a_repeated_run_starts_from_the_analyzer_cache_of_the_first_one(bench: Bench) -> None:
    (bench.folder / "use_case/words.csv").unlink()
    record = bench.plan()
    bench.ingest(record)
    older = put_artifact(bench.store, "TransformCache", bench.folder)
    first = bench.planner().pin(record)
    newer = put_artifact(bench.store, "TransformCache", bench.folder)
    bench.ingest(bench.plan(cache=False))  # newer examples of the same spans
    repeated = bench.planner().pin(bench.plan())
    other = bench.planner().pin(bench.plan(spans="1"))
    shutil.rmtree(folder_of(bench.store, older))
    gone = bench.planner().pin(bench.plan())
    uncached = bench.plan(cache=False)
    bench.ingest(uncached)
    assert first.pins == repeated.pins
    assert first.pins
    assert first.pins.analyzer_cache == older
    assert gone.pins
    assert gone.pins.analyzer_cache == newer
    assert other.pins
    assert other.pins.analyzer_cache == newer
    fresh = bench.planner().pin(uncached)
    assert fresh.pins
    assert fresh.pins.analyzer_cache is None


def test_drift_is_measured_from_the_nearest_earlier_blessed_span(bench: Bench) -> None:
    bench.publish(3, 4)
    record = bench.plan()
    _, second, third, _ = record.window
    planner = bench.planner()
    assert planner.ingest(record, second).ingest.previous_statistics is None
    bench.ingest(record.model_copy(update={"window": record.window[1:2]}))
    bench.ingest(record.model_copy(update={"window": record.window[2:3]}), blessed=False)
    plan = planner.ingest(record, record.window[3])
    [statistics] = bench.store.get_artifacts_by_type("ExampleStatistics")[:1]
    assert plan.ingest.previous_statistics == statistics.id
    assert plan.ingest.span == record.window[3]
    assert planner.ingest(record, third).ingest.previous_statistics == statistics.id


def test_a_span_is_compared_with_the_earlier_blessed_spans_of_the_window(bench: Bench) -> None:
    bench.publish(3)
    before = bench.plan(spans="1-2")
    _, first = put_span(bench.store, bench.folder, 1, before.window[0].ingest_key)
    put_span(bench.store, bench.folder, 2, before.window[1].ingest_key, blessed=False)
    planner, record = bench.planner(), bench.plan(spans="1-3")
    plans = [planner.ingest(record, span).ingest for span in record.window]
    assert [plan and plan.previous_statistics for plan in plans] == [None, first, first]
    assert [plan and plan.previous_in_window for plan in plans] == [False, True, True]
    assert [plan and plan.window_statistics for plan in plans] == [(), (), ()]
    _, second = put_span(bench.store, bench.folder, 2, before.window[1].ingest_key)
    third = planner.ingest(record, record.window[2]).ingest
    assert third is not None
    assert (third.previous_statistics, third.window_statistics) == (second, (first,))


@pytest.mark.parametrize("setting", ["pipeline.name=state", "model.name=uri"])
def test_a_name_that_the_store_takes_for_a_column_is_refused(bench: Bench, setting: str) -> None:
    bench.publish(1)
    with pytest.raises(SettingsError, match="is the name of a column of the metadata store"):
        bench.plan(setting)
    assert bench.records.newest() == []
