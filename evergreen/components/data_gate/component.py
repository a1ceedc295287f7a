"""The DataGate node: one report and one verdict over everything known of a span."""

import json
from pathlib import Path

# isort: off
import tfx  # noqa: F401 - puts a stand-in where TFDV 1.16 misses a module of tfx-bsl 1.21
import tensorflow_data_validation as tfdv

# isort: on
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from evergreen.components.artifacts import DataBlessing, RejectedRows
from evergreen.components.data_gate.findings import (
    Drift,
    drifts,
    empty_splits,
    from_anomalies,
    from_rejections,
)

REPORT = "report.json"


@component
def DataGate(  # noqa: N802 - a component is a class to its users
    examples: InputArtifact[standard_artifacts.Examples],
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    schema: InputArtifact[standard_artifacts.Schema],
    rejected: InputArtifact[RejectedRows],
    blessing: OutputArtifact[DataBlessing],
    ingest_key: Parameter[str],
    series: Parameter[str],
    previous_statistics: InputArtifact[standard_artifacts.ExampleStatistics] = None,
) -> None:
    """Blesses a span that fits the schema, and refuses one that does not.

    A refused span is a verdict, not a failure of the node: the run reads the blessing and stops.
    Drift against the previous span is recorded and refuses nothing: it is a reason to train.

    Args:
        examples: The span's examples.
        statistics: Their statistics.
        anomalies: What ExampleValidator found in them.
        schema: The schema they were validated with.
        rejected: The rows that ingestion refused.
        blessing: Out: the verdict, with `report.json`.
        ingest_key: Under which the span's examples are found again.
        series: The spans that this one is one of.
        previous_statistics: The statistics of the span before, for drift.
    """
    expected = _load_schema(schema)
    stats = _load_statistics(statistics)
    rows = {split: int(stat.datasets[0].num_examples) for split, stat in stats.items()}
    refused = json.loads(Path(rejected.uri, "rejected.json").read_text())
    findings = from_anomalies(_load_anomalies(anomalies), Path(examples.uri), expected)
    findings += from_rejections(refused, sum(rows.values()) + refused["rows"])
    findings += empty_splits(rows)
    distances: list[Drift] = []
    if previous_statistics is not None:
        previous = _load_statistics(previous_statistics)["train"]
        distances = drifts(tfdv.validate_statistics(stats["train"], expected, None, previous))
    report = {
        "span": examples.span,
        "version": examples.version,
        "blessed": not findings,
        "rows": rows,
        "refused_rows": refused["rows"],
        "findings": [finding.model_dump() for finding in findings],
        "drift": [drift.model_dump() for drift in distances],
    }
    Path(blessing.uri, REPORT).write_text(json.dumps(report, indent=1))
    blessing.set_int_custom_property("blessed", int(not findings))
    blessing.set_int_custom_property("findings", len(findings))
    blessing.set_int_custom_property("span", examples.span)
    blessing.set_int_custom_property("examples_id", examples.id)
    blessing.set_int_custom_property("statistics_id", statistics.id)
    blessing.set_string_custom_property("ingest_key", ingest_key)
    blessing.set_string_custom_property("series", series)


def _load_schema(artifact: standard_artifacts.Schema) -> schema_pb2.Schema:
    text = Path(artifact.uri, "schema.pbtxt").read_text()
    return text_format.Parse(text, schema_pb2.Schema())


def _load_statistics(
    artifact: standard_artifacts.ExampleStatistics,
) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    return {
        split: stats_artifact_utils.load_statistics(artifact, split).proto()
        for split in artifact_utils.decode_split_names(artifact.split_names)
    }


def _load_anomalies(
    artifact: standard_artifacts.ExampleAnomalies,
) -> dict[str, anomalies_pb2.Anomalies]:
    return {
        split: anomalies_pb2.Anomalies.FromString(
            Path(artifact.uri, f"Split-{split}", "SchemaDiff.pb").read_bytes()
        )
        for split in artifact_utils.decode_split_names(artifact.split_names)
    }
