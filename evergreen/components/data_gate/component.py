"""The DataGate node: one report and one verdict on all findings about a span."""

import json
from pathlib import Path
from typing import Any, TypeAlias

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from evergreen.components.artifacts import DataBlessing, RejectedRows
from evergreen.components.data_gate.anomalies import from_anomalies
from evergreen.components.data_gate.drift import measure
from evergreen.components.data_gate.findings import empty_splits, from_rejections, suspected_missing
from evergreen.components.example_gen.rejects import REPORT as REJECTED
from evergreen.components.example_gen.rejects import RejectedReport
from evergreen.quality.artifacts import load_anomalies, load_statistics
from evergreen.quality.overflow import add_overflows
from evergreen.quality.schema import load_schema
from evergreen.runs.reports.data import Against, DataReport

Statistics: TypeAlias = standard_artifacts.ExampleStatistics
Earlier = dict[Against, list[Statistics]]


@component
def DataGate(
    examples: InputArtifact[standard_artifacts.Examples],
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    schema: InputArtifact[standard_artifacts.Schema],
    rejected: InputArtifact[RejectedRows],
    blessing: OutputArtifact[DataBlessing],
    rejected_share: Parameter[float],
    ingest_key: Parameter[str],
    series: Parameter[str],
    previous_in_window: Parameter[int],
    previous_statistics: InputArtifact[standard_artifacts.ExampleStatistics] = None,
    window_statistics: InputArtifact[list[standard_artifacts.ExampleStatistics]] = None,
) -> None:
    """Blesses a span that fits the schema, and refuses one that does not.

    A refused span is a verdict, not a failure of the node: the run reads the blessing and stops.
    Drift, compared with the previous span and the earlier spans of the window, is recorded and
    refuses nothing: it is a reason to train.

    Args:
        examples: The span's examples.
        statistics: Their statistics.
        anomalies: ExampleValidator's anomalies.
        schema: The schema they were validated with.
        rejected: The rows that ingestion refused.
        blessing: Out: the verdict, with `report.json`.
        rejected_share: The share of the span's rows beyond which refused rows refuse it.
        ingest_key: The key under which the span's examples are found again.
        series: The series of the span.
        previous_in_window: Whether the previous span is in the window (0 or 1).
        previous_statistics: The statistics of the previous span, as reference for drift.
        window_statistics: The statistics of the window's other earlier spans, as references for
            drift. Without those of the previous span, since ML Metadata has one input event per
            artifact.
    """
    expected = load_schema(Path(schema.uri))
    splits = artifact_utils.decode_split_names(statistics.split_names)
    stats = {split: load_statistics(Path(statistics.uri), split) for split in splits}
    rows = {split: int(dataset.num_examples) for split, dataset in stats.items()}
    refused: RejectedReport = json.loads(Path(rejected.uri, REJECTED).read_text())
    loaded = load_anomalies(Path(anomalies.uri))
    in_order = {split: loaded[split] for split in splits if split in loaded}
    found = add_overflows(in_order, stats, expected)
    findings = from_anomalies(found, Path(examples.uri), expected)
    findings += from_rejections(refused, sum(rows.values()) + refused["rows"], rejected_share)
    findings += empty_splits(rows) + suspected_missing(stats, expected)
    earlier = _earlier(previous_statistics, window_statistics, previous_in_window)
    distances, drifted = measure(stats["train"], _train(earlier), expected)
    findings += drifted
    report = DataReport(
        span=examples.span,
        version=examples.version,
        blessed=not any(finding.refuses for finding in findings),
        rows=rows,
        refused_rows=refused["rows"],
        findings=tuple(findings),
        drift=tuple(distances),
    )
    report.write(blessing.uri)
    blessing.set_int_custom_property("blessed", int(report.blessed))
    blessing.set_int_custom_property("findings", len(report.refusing))
    blessing.set_int_custom_property("drifted", len(report.drifted))
    blessing.set_int_custom_property("span", examples.span)
    blessing.set_int_custom_property("examples_id", examples.id)
    blessing.set_int_custom_property("statistics_id", statistics.id)
    blessing.set_string_custom_property("ingest_key", ingest_key)
    blessing.set_string_custom_property("series", series)


def _earlier(
    previous: Statistics | None, others: list[Statistics] | None, previous_in_window: int
) -> Earlier:
    """Returns the statistics to compare with; a window of only the previous span is skipped."""
    earlier: Earlier = {}
    if previous is not None:
        earlier["previous"] = [previous]
    if others:
        earlier["window"] = [*(earlier.get("previous", []) if previous_in_window else []), *others]
    return earlier


def _train(earlier: Earlier) -> dict[Against, list[Any]]:
    return {
        against: [load_statistics(Path(artifact.uri), "train") for artifact in artifacts]
        for against, artifacts in earlier.items()
    }
