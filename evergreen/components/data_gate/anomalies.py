"""Turns TFDV's anomalies into findings: what was expected and found, counts and example rows."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.quality.descriptions import mismatch
from evergreen.quality.tallies import MISSING, Anomaly, Tally, count_rows, feature_of
from evergreen.runs.reports.data import Finding

Kind = anomalies_pb2.AnomalyInfo.Type


def from_anomalies(
    anomalies: Mapping[str, anomalies_pb2.Anomalies], examples: Path, schema: schema_pb2.Schema
) -> list[Finding]:
    """Turns the anomalies of all splits into findings, merging those of several splits.

    Args:
        anomalies: ExampleValidator's anomalies, by split.
        examples: The folder of the split examples.
        schema: The schema.
    """
    tallies: dict[Anomaly, Tally] = {}
    for split, found in anomalies.items():
        here: dict[Anomaly, Tally] = {}
        for anomaly, said in _anomalies(found):
            here[anomaly] = tallies.setdefault(anomaly, Tally(said))
        for tally in here.values():
            tally.splits.append(split)
        if here:
            count_rows(examples / f"Split-{split}", schema, here)
    findings = [
        _finding(anomaly, tally, schema, len(anomalies)) for anomaly, tally in tallies.items()
    ]
    return sorted(_without_echoes(findings), key=lambda finding: (finding.feature, finding.kind))


def _anomalies(found: anomalies_pb2.Anomalies) -> Iterator[tuple[Anomaly, str]]:
    for reason in found.dataset_anomaly_info.reason:
        yield Anomaly(None, reason.type), reason.description
    for info in found.anomaly_info.values():
        for reason in info.reason:
            yield Anomaly(".".join(info.path.step), reason.type), reason.description


def _finding(anomaly: Anomaly, tally: Tally, schema: schema_pb2.Schema, splits: int) -> Finding:
    found = mismatch(anomaly.kind, feature_of(schema, anomaly.column), tally)
    columns = dict.fromkeys(name for example in tally.examples for name in example)
    return Finding(
        # A column can have an empty name; None stands for the data set.
        feature="" if anomaly.column is None else anomaly.column or "''",
        kind=Kind.Name(anomaly.kind),
        mismatch=found,
        said="" if found else tally.said,
        splits=tally.splits if len(tally.splits) < splits else (),
        count=tally.count,
        rows=tally.rows,
        values=tally.values,
        examples=[
            {name: example.get(name, MISSING) for name in [anomaly.column or "", *columns]}
            for example in tally.examples
        ],
    )


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    """Removes findings that no row confirms, for features with findings that rows confirm.

    TFDV 1.16 takes 0 for the smallest and largest value of a column without numbers, and reports it
    as out of bounds.
    """
    borne_out = {finding.feature for finding in findings if finding.count}
    return [finding for finding in findings if finding.count or finding.feature not in borne_out]
