"""A run from nothing: each node leaves what it should, and the first model is pushed and serves."""

import json
import re
import socket
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from evergreen.lineage.nodes import outputs
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.monitoring.reference import find
from evergreen.planning.identity import take_digests
from evergreen.planning.provenance import take_provenance
from evergreen.runs.plan import Outcome
from evergreen.settings import Settings
from evergreen.spans import list_spans
from tests.project import ROOT, Project, Ran

INGEST = ["CuratedSchema", "ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator"]
SPLITS = ["train", "eval", "test"]


def output(project: Project, ran: Ran, part: str, node: str, key: str) -> mlmd.Artifact:
    [artifact] = outputs(project.store, ran.nodes[part][node].execution_id, key)
    return artifact


def records(artifact: mlmd.Artifact, split: str) -> list[tf.train.Example]:
    files = [str(path) for path in Path(artifact.uri, f"Split-{split}").iterdir()]
    gzipped = "GZIP" if files[0].endswith(".gz") else ""
    return [
        tf.train.Example.FromString(record)
        for record in tf.data.TFRecordDataset(files, gzipped).as_numpy_iterator()
    ]


def test_every_standard_component_ran(first: Ran) -> None:
    for span in first.record.window:
        assert sorted(first.nodes[span.label]) == sorted([*INGEST, "DataGate"])
    train = ["CuratedSchema", "Transform", "Trainer", "Evaluator", "Pusher"]
    gates = ["ModelGate", "ServingValidator"]
    assert sorted(first.nodes["train"]) == sorted([*train, *gates])
    assert all(state.succeeded for part in first.nodes.values() for state in part.values())


def test_examples_hold_each_row_of_the_span_once(project: Project, first: Ran) -> None:
    for span in list_spans(project.settings.data.span_root)[:2]:
        label = f"span-{span.number:05d}-v01"
        artifact = output(project, first, label, "ExampleGen", "examples")
        keys = [
            example.features.feature["trip_id"].bytes_list.value[0]
            for split in SPLITS
            for example in records(artifact, split)
        ]
        assert len(keys) == len(set(keys)) == span.rows
        assert artifact.properties["span"].int_value == span.number


def test_statistics_and_schemas_describe_the_examples(project: Project, first: Ran) -> None:
    part = "span-00001-v01"
    examples = output(project, first, part, "ExampleGen", "examples")
    statistics = output(project, first, part, "StatisticsGen", "statistics")
    for split in SPLITS:
        content = Path(statistics.uri, f"Split-{split}", "FeatureStats.pb").read_bytes()
        [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets
        assert dataset.num_examples == len(records(examples, split))
    inferred = Path(output(project, first, part, "SchemaGen", "schema").uri, "schema.pbtxt")
    schema = text_format.Parse(inferred.read_text(), schema_pb2.Schema())
    assert {"fare", "payment_type", "trip_id"} <= {feature.name for feature in schema.feature}
    curated = Path(output(project, first, part, "CuratedSchema", "schema").uri, "schema.pbtxt")
    text = project.settings.data.table_schema.read_text()
    expected = text_format.Parse(text, schema_pb2.Schema())
    assert text_format.Parse(curated.read_text(), schema_pb2.Schema()) == expected


def test_the_data_gate_found_nothing_and_measured_drift(project: Project, first: Ran) -> None:
    reports = [
        json.loads(
            Path(
                output(project, first, part, "DataGate", "blessing").uri, "report.json"
            ).read_text()
        )
        for part in ("span-00001-v01", "span-00002-v01")
    ]
    assert [(report["blessed"], report["findings"]) for report in reports] == [(True, [])] * 2
    assert reports[0]["drift"] == []
    drift = {entry["feature"]: entry["value"] for entry in reports[1]["drift"]}
    # The share of card payments grew from 2013 to 2014: 25 % to 32 %.
    assert drift["payment_type"] == pytest.approx(0.07, abs=0.02)


def test_transform_writes_a_graph_and_no_copy_of_the_examples(project: Project, first: Ran) -> None:
    execution = first.nodes["train"]["Transform"].execution_id
    assert not outputs(project.store, execution, "transformed_examples")
    graph = output(project, first, "train", "Transform", "transform_graph")
    assert Path(graph.uri, "transform_fn", "saved_model.pb").exists()


def test_training_leaves_its_curves_and_metrics(project: Project, first: Ran) -> None:
    folder = Path(output(project, first, "train", "Trainer", "model_run").uri)
    history = json.loads((folder / "history.json").read_text())
    assert history["val_loss"][-1] < history["val_loss"][0]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics) == {"train", "eval"}


def test_the_candidate_is_measured_on_the_test_split(project: Project, first: Ran) -> None:
    gate = output(project, first, "train", "ModelGate", "blessing")
    report = json.loads(Path(gate.uri, "report.json").read_text())
    examples = [
        output(project, first, span.label, "ExampleGen", "examples") for span in first.record.window
    ]
    assert report["candidate"]["example_count"] == sum(
        len(records(artifact, "test")) for artifact in examples
    )
    assert report["blessed"]
    assert report["baseline"] is None


def test_the_pushed_version_answers(project: Project, first: Ran) -> None:
    folder = project.settings.serving.base_path / str(first.record.model_version)
    predict = tf.saved_model.load(str(folder)).signatures["serving_default"]
    examples = records(output(project, first, "span-00001-v01", "ExampleGen", "examples"), "test")
    serialized = tf.constant([example.SerializeToString() for example in examples])
    [answers] = predict(serialized).values()
    assert answers.shape[0] == len(examples)
    assert bool(tf.reduce_all((answers >= 0) & (answers <= 1)))


def test_the_model_served_as_it_should_before_it_was_pushed(project: Project, first: Ran) -> None:
    blessing = output(project, first, "train", "ServingValidator", "blessing")
    report = json.loads(Path(blessing.uri, "report.json").read_text())
    assert report["blessed"]
    criteria = [check["criterion"] for check in report["checks"]]
    assert "raw: answers as serving_default" in criteria
    for way in ("gRPC", "REST by columns", "REST by rows"):
        assert f"raw: answers over {way} as in this process" in criteria
    assert set(report["latency"]) == {"serving_default", "raw"}
    pushed = project.settings.serving.base_path / str(first.record.model_version)
    assert (pushed / "assets.extra" / "tf_serving_warmup_requests").stat().st_size > 0


def test_the_report_tells_the_outcome_and_every_gate(project: Project, first: Ran) -> None:
    page = (project.folder / "reports" / f"{first.record.run_id}.html").read_text()
    assert f"Version {first.record.model_version} was pushed and is serving" in page
    for text in ("DataGate", "ModelGate", "ServingValidator", "payment_type", first.record.run_id):
        assert text in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page
    assert str(project.folder / "reports") in first.text


def test_the_run_is_recorded_and_the_first_model_serves(project: Project, first: Ran) -> None:
    assert first.record.outcome is Outcome.PUSHED
    assert RunRecords(project.store).get(first.record.run_id) == first.record
    event = Registry(project.store, "taxi").events()[0]
    assert (event.stage, event.model.version) == (Stage.SERVING, first.record.model_version)
    assert event.evidence["run"] == first.record.run_id


def test_all_that_the_run_was_is_read_back(project: Project, first: Ran) -> None:
    run = project.lineage.run(first.record.run_id)
    record = run.record
    assert record == first.record
    asked = record.request
    assert (asked.requested_by, asked.reason, asked.spans) == ("tester", "a test", "1-2")
    here = take_provenance(ROOT)
    assert (record.provenance.host, record.provenance.package) == (here.host, here.package)
    assert re.fullmatch(r"[0-9a-f]{40}", record.provenance.commit)
    assert record.digests == take_digests(project.settings)
    kept = RunRecords(project.store).settings(record)
    assert Settings.model_validate(kept) == project.settings
    assert record.results is not None
    assert set(record.results.metrics) == {"train", "eval", "test"}
    assert all(values["auc"] > 0.9 for values in record.results.metrics.values())
    assert set(record.results.gates.values()) == {True}
    assert record.baseline is None
    [version] = [
        version for version in project.lineage.versions() if version.version == record.model_version
    ]
    assert (version.run_id, version.artifact_id) == (
        record.run_id, run.made("Trainer", "model")[0].id
    )  # fmt: skip
    assert Path(version.path, "saved_model.pb").is_file()


def test_every_node_was_measured_and_points_to_what_it_made(project: Project, first: Ran) -> None:
    run = project.lineage.run(first.record.run_id)
    assert len(run.nodes) == 2 * 6 + 7
    for node in (found.node for found in run.nodes):
        assert first.record.created.timestamp() <= node.started <= node.updated
        assert node.updated <= first.record.finished.timestamp()
        assert node.host == socket.gethostname()
        assert "Executor" in node.executor or "executor" in node.executor
        assert 100 < node.peak_memory < 100_000
    trainer = next(view for view in run.nodes if view.node.node_id == "Trainer")
    assert trainer.node.seconds > 0.5
    assert {"transform_graph", "examples", "schema"} <= set(trainer.inputs)
    for artifact in run.artifacts.values():
        assert artifact.state == "live"
        assert Path(artifact.uri).exists()


def test_how_beam_computed_is_recorded(first: Ran) -> None:
    states = [state for part in first.nodes.values() for state in part.values()]
    computed = {state.node_id: state.computed for state in states if state.computed}
    assert set(computed) == {"StatisticsGen", "Transform", "Evaluator"}
    assert all(text.startswith("in one process: ") for text in computed.values())


def test_a_person_is_told_what_came_of_it(project: Project, first: Ran) -> None:
    assert "ingest     spans 1, 2" in first.text
    assert f"pushed version {first.record.model_version}" in first.text
    assert first.text.rstrip().splitlines()[-1].startswith("next: ")
    for node in ("ExampleGen", "Trainer", "Pusher"):
        assert f"✓ {node}" in first.text


def test_monitoring_finds_what_the_model_was_made_of(project: Project, first: Ran) -> None:
    reference = find(project.store, project.settings.model.name, version=1)
    assert reference.run_id == first.record.run_id
    examples = [int(data_set.num_examples) for data_set in reference.statistics]
    assert len(examples) == 2
    assert reference.newest is not None
    assert reference.newest.year == 2014
    assert reference.evaluation is not None
    measured = reference.evaluation.candidate
    assert reference.metric("auc", "all rows") == pytest.approx(measured["auc"], abs=2e-3)
    assert reference.metric("log_loss", "all rows") == pytest.approx(measured["log_loss"], rel=1e-2)
