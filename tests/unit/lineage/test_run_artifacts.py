"""A run is read from ML Metadata and its artifacts, however far it came."""

import shutil
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.run_artifacts import PartReader, RunReading
from evergreen.runs.plan import Outcome, Pins
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.serving import ServingReport
from tests.unit.reporting.reports import data_report, model_report
from tests.unit.reporting.telling import HISTORY, Story, span_ref

ONE, TWO = span_ref(1), span_ref(2)


@pytest.fixture
def told(store: MetadataStore, tmp_path: Path) -> Story:
    """A run on spans 1 and 2, refused by the model gate."""
    story = Story(store, tmp_path / "pipeline", window=(ONE, TWO), to_ingest=(ONE, TWO))
    first = story.ingests(ONE, data_report(1), "fare")
    story.ingests(TWO, data_report(2), "fare", "tips", previous=first)
    story.trains(model_report())
    story.ends(Outcome.MODEL_REFUSED)
    return story


def test_a_run_is_read_from_its_first_span_to_its_model(told: Story) -> None:
    reading = RunReading(told.store, told.record)
    assert list(reading.parts) == [ONE.label, TWO.label, "train"]
    assert [span.report and span.report.span for span in reading.spans] == [1, 2]
    statistics = reading.spans[1].statistics()
    assert [feature.path.step[0] for feature in statistics.features][:2] == ["fare", "tips"]
    assert reading.history() == HISTORY
    assert reading.metrics()["eval"]["auc"] == 0.95
    assert reading.report(ModelReport) == ModelReport(**model_report())
    assert reading.report(ServingReport) is None


def test_the_span_before_is_the_one_the_gate_compared_with(told: Story) -> None:
    first, second = RunReading(told.store, told.record).spans
    assert first.statistics(key="previous_statistics") is None
    before = second.statistics(key="previous_statistics")
    assert before == first.statistics()
    [artifact] = second.artifacts["previous_statistics"]
    assert RunReading(told.store, told.record).span_of(artifact.id) == 1


def test_a_span_of_an_earlier_run_is_read_as_the_run_pinned_it(told: Story) -> None:
    """Ingested anew since then: the later run relied on the earlier artifacts."""
    pinned = RunReading(told.store, told.record).spans[0].artifacts["examples"][0].id
    anew = Story(told.store, told.folder, "run-2", window=(ONE,), to_ingest=(ONE,))
    anew.ingests(ONE, data_report(1), "fare_in_euro")
    anew.ends(Outcome.PUSHED)
    later = Story(told.store, told.folder, "run-3", window=(ONE,), pins=Pins(examples=(pinned,)))
    [span] = RunReading(told.store, later.record).spans
    assert [artifact.id for artifact in span.artifacts["examples"]] == [pinned]
    [unpinned] = RunReading(told.store, anew.record).spans
    assert unpinned.statistics().features[0].path.step[0] == "fare_in_euro"


def test_files_that_are_gone_are_none(told: Story) -> None:
    shutil.rmtree(told.folder)
    reading = RunReading(told.store, told.record)
    assert [span.report for span in reading.spans] == [None, None]
    assert reading.spans[0].statistics() is None
    assert reading.spans[0].anomalies() == {}
    assert reading.report(ModelReport) is None
    assert reading.history() == {}


def test_a_part_knows_what_its_nodes_read_and_made(told: Story) -> None:
    part = PartReader(told.store, "taxi", f"{told.record.run_id}.{ONE.label}")
    [made] = part.outputs("ExampleGen")["examples"]
    [read] = part.inputs("StatisticsGen")["examples"]
    assert made.id == read.id
    assert part.outputs("Pusher") == {}
    assert not part.wholly_cached
