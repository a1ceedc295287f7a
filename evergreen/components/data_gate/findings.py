"""What the data gate finds: anomalies of the schema, refused rows, and drift."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.components.data_gate.counting import count_rows

Kind = anomalies_pb2.AnomalyInfo.Type


class Finding(BaseModel):
    """One reason to refuse a span.

    Attributes:
        feature: The feature; empty where the whole data set is meant.
        kind: TFDV's name of the anomaly, or `ROWS_REFUSED`.
        description: What was expected, and what was found.
        count: The rows concerned.
        rows: All rows that were looked at.
        values: A few of the values concerned.
    """

    model_config = ConfigDict(frozen=True)

    feature: str
    kind: str
    description: str
    count: int
    rows: int
    values: list[str] = []


class Drift(BaseModel):
    """The distance of a feature's distribution from the previous span's."""

    model_config = ConfigDict(frozen=True)

    feature: str
    measure: str
    value: float
    threshold: float


def from_anomalies(
    anomalies: Mapping[str, anomalies_pb2.Anomalies], examples: Path, schema: schema_pb2.Schema
) -> list[Finding]:
    """Turns the anomalies of all splits into findings, adding up the splits' counts.

    Args:
        anomalies: What ExampleValidator found, by split.
        examples: The folder of the split examples.
        schema: What was expected.
    """
    merged: dict[tuple[str, str], Finding] = {}
    for split, found in anomalies.items():
        for feature, kind, description in _reasons(found):
            folder = examples / f"Split-{split}"
            count, rows, values = count_rows(folder, schema, feature, Kind.Value(kind))
            earlier = merged.get((feature, kind))
            merged[feature, kind] = Finding(
                feature=feature,
                kind=kind,
                description=earlier.description if earlier else description,
                count=count + (earlier.count if earlier else 0),
                rows=rows + (earlier.rows if earlier else 0),
                values=list(dict.fromkeys((earlier.values if earlier else []) + values))[:5],
            )
    return sorted(merged.values(), key=lambda finding: (finding.feature, finding.kind))


def from_rejections(report: Mapping[str, list[dict]], rows: int) -> list[Finding]:  # type: ignore[type-arg]
    """Turns the rows that ingestion refused into findings, one for each column and reason.

    Args:
        report: The content of ExampleGen's `rejected.json`.
        rows: All rows of the span.
    """
    return [
        Finding(
            feature=reason["column"],
            kind="ROWS_REFUSED",
            description=f"the value {reason['reason']}: {_places(reason['examples'])}",
            count=reason["count"],
            rows=rows,
            values=list(dict.fromkeys(example["value"] for example in reason["examples"]))[:5],
        )
        for reason in report["reasons"]
    ]


def empty_splits(rows: Mapping[str, int]) -> list[Finding]:
    """Returns a finding for each split without rows: TFDV itself finds nothing wrong there.

    Args:
        rows: Rows by split.
    """
    return [
        Finding(
            feature="",
            kind="SPLIT_EMPTY",
            description=f"the split {split} has no rows: too few rows, or keys that repeat.",
            count=0,
            rows=sum(rows.values()),
        )
        for split, count in rows.items()
        if count == 0
    ]


def drifts(anomalies: anomalies_pb2.Anomalies) -> list[Drift]:
    """Returns the distances that TFDV measured for the features with a drift comparator."""
    return [
        Drift(
            feature=".".join(info.path.step),
            measure=anomalies_pb2.DriftSkewInfo.Measurement.Type.Name(measurement.type),
            value=measurement.value,
            threshold=measurement.threshold,
        )
        for info in anomalies.drift_skew_info
        for measurement in info.drift_measurements
    ]


def _reasons(anomalies: anomalies_pb2.Anomalies) -> Iterable[tuple[str, str, str]]:
    infos = dict(anomalies.anomaly_info)
    for reason in anomalies.dataset_anomaly_info.reason:
        yield "", Kind.Name(reason.type), reason.description
    for name, info in infos.items():
        feature = ".".join(info.path.step) or name
        for reason in info.reason:
            yield feature, Kind.Name(reason.type), reason.description


def _places(examples: list[dict[str, str | int]]) -> str:
    places = [f"{example['file']} row {example['row']}" for example in examples[:3]]
    return ", ".join(places) + (", ..." if len(examples) > len(places) else "")
