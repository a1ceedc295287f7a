"""Runs after the first: what is cached, what is ingested, what is compared, what is pushed."""

import shutil
from pathlib import Path

import pytest

from evergreen.lineage.nodes import outputs
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import R, artifacts_of, load_report
from evergreen.lineage.stages import Stage
from evergreen.orchestrators.local import LocalOrchestrator
from evergreen.runs import sentences
from evergreen.runs.plan import Outcome
from evergreen.runs.reports.data import DataReport
from evergreen.runs.reports.model import ModelReport
from tests.integration.worse_in_a_slice import AREA
from tests.project import Project, Ran


def states(ran: Ran, part: str = "train") -> dict[str, str]:
    return {node: state.state for node, state in ran.nodes[part].items()}


def test_the_same_again_is_wholly_cached_and_pushes_nothing(
    project: Project, first: Ran, again: Ran
) -> None:
    assert again.record.to_ingest == ()
    assert set(states(again).values()) == {"cached"}
    assert again.record.outcome is Outcome.UNCHANGED
    assert again.record.run_key == first.record.run_key
    assert again.record.pins == first.record.pins
    assert again.record.run_id != first.record.run_id
    assert "everything came from the cache" in again.text
    assert "nothing was pushed" in again.text


def test_one_more_span_ingests_only_that_span(first: Ran, grown: Ran) -> None:
    assert [span.number for span in grown.record.to_ingest] == [3]
    assert grown.record.pins is not None
    assert first.record.pins is not None
    assert grown.record.pins.examples[:2] == first.record.pins.examples


def test_gzipped_spans_go_with_others_into_one_window(project: Project, grown: Ran) -> None:
    assert grown.record.pins is not None
    pinned = project.store.get_artifacts_by_id(grown.record.pins.examples)
    files = [{file.suffix for file in Path(examples.uri).glob("Split-*/*")} for examples in pinned]
    assert files == [{""}, {""}, {".gz"}]
    assert grown.record.outcome is Outcome.PUSHED


def test_spans_analysed_before_are_not_analysed_again(project: Project, grown: Ran) -> None:
    def cached_spans(ran_execution: int) -> set[str]:
        [cache] = outputs(project.store, ran_execution, "updated_analyzer_cache")
        return {path.name for path in Path(cache.uri).iterdir() if path.is_dir()}

    assert grown.record.pins is not None
    [pinned] = project.store.get_artifacts_by_id([grown.record.pins.analyzer_cache])
    before = {path.name for path in Path(pinned.uri).iterdir() if path.is_dir()}
    after = cached_spans(grown.nodes["train"]["Transform"].execution_id)
    assert len(before) == 2
    assert before < after
    assert len(after) == 3


def test_the_candidate_is_compared_with_the_serving_model(
    project: Project, first: Ran, grown: Ran
) -> None:
    assert grown.record.baseline is not None
    assert grown.record.baseline.version == first.record.model_version
    [gate] = outputs(project.store, grown.nodes["train"]["ModelGate"].execution_id, "blessing")
    report = load_report(Path(gate.uri), ModelReport)
    assert set(report.baseline) == set(report.candidate)
    assert any(verdict.compares for verdict in report.verdicts)


def test_a_later_model_is_a_canary(project: Project, first: Ran, grown: Ran) -> None:
    assert grown.record.outcome is Outcome.PUSHED
    stages = {
        event.model.version: event.stage for event in Registry(project.store, "taxi").events()
    }
    assert stages[first.record.model_version] is Stage.SERVING
    assert stages[grown.record.model_version] is Stage.CANARY


def test_an_interrupted_training_keeps_its_pins(
    project: Project, first: Ran, grown: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalOrchestrator, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        project.run("1-2", ["model.hyperparameters.seed=7"])
    record = RunRecords(project.store).latest()
    assert record is not None
    assert record.outcome is Outcome.INTERRUPTED
    assert record.pins == first.record.pins


def test_a_removed_version_is_put_back(project: Project, first: Ran, grown: Ran) -> None:
    before = project.pushed()
    shutil.rmtree(project.settings.serving.base_path / str(first.record.model_version))
    assert project.run("1-2").record.outcome is Outcome.UNCHANGED
    assert project.pushed() == before


def report(project: Project, ran: Ran, kind: type[R], part: str = "train") -> R:
    [blessing] = outputs(project.store, ran.nodes[part][kind.node].execution_id, "blessing")
    return load_report(Path(blessing.uri), kind)


def test_a_model_worse_in_one_slice_is_not_pushed(
    project: Project, first: Ran, grown: Ran, worse: Ran
) -> None:
    assert worse.record.outcome is Outcome.MODEL_REFUSED
    assert states(worse)["Transform"] == "cached"
    assert states(worse)["Trainer"] == "complete"
    versions = {path.split("/")[0] for path in project.pushed()}
    assert versions == {str(first.record.model_version), str(grown.record.model_version)}
    refused = report(project, worse, ModelReport).failed
    assert f"pickup_community_area {AREA}" in [verdict.slice for verdict in refused]
    assert all(verdict.compares and verdict.is_of_part for verdict in refused)
    assert "refused by the model gate" in worse.text
    for verdict in refused:
        assert f"✗ {verdict.criterion}" in worse.text


def test_drift_is_told_with_its_numbers_and_stops_nothing(project: Project, drifted: Ran) -> None:
    assert drifted.record.outcome is Outcome.PUSHED
    gate = report(project, drifted, DataReport, "span-00007-v01")
    assert gate.blessed
    hours = {drift.against: drift for drift in gate.drift if drift.feature == "trip_start_hour"}
    assert all(drift.interval[0] > drift.threshold for drift in hours.values())
    assert set(hours) == {"previous", "window"}
    inputs = artifacts_of(project.store, drifted.nodes["span-00007-v01"]["DataGate"].execution_id)[
        0
    ]
    assert len(inputs["previous_statistics"]) == 1
    assert len(inputs["window_statistics"]) == 2
    assert "span 7 has drifted" in drifted.text
    told = " ".join(drifted.text.split())
    expected = "trip_start_hour DRIFT: expected a Jensen-Shannon divergence of at most 0.01 from"
    assert f"{expected} the span before" in told
    assert f"{expected} the earlier spans of the window" in told
    assert f"found {sentences.distance(hours['window'])}: the mean went from" in told
