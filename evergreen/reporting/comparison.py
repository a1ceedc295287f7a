"""Compares two runs: inputs, results and durations."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.reader import Lineage
from evergreen.lineage.records import RunRecords
from evergreen.lineage.run_artifacts import RunReading, SpanReader
from evergreen.quality.statistics import Feature, features
from evergreen.runs.nodes import CURATED_SCHEMA
from evergreen.runs.plan import TRAIN, Frozen, RunRecord
from evergreen.runs.reports.model import ModelReport

Value = str | float | bool | None


class Difference(Frozen):
    """A value that differs between the runs; None for a missing value."""

    name: str
    one: Value
    other: Value

    @property
    def change(self) -> float | None:
        """The difference, if both values are numbers."""
        values = (self.one, self.other)
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
            return None
        return float(self.other) - float(self.one)  # type: ignore[arg-type]


class Comparison(Frozen):
    """A comparison of two runs.

    Attributes:
        one: The id of the first run.
        other: The id of the second run.
        inputs: Differing settings, digests, code and spans.
        data: Differing statistics of the features of each run's newest span, on the train split.
        schema_changes: Differing lines of the curated schema, in the format of `diff`.
        metrics: Metrics of all splits, by `split metric`.
        slices: Metrics of the slices of the test split, by `part metric`.
        seconds: Durations of the nodes, by `part node`.
        outcome: The outcomes of the runs.
    """

    one: str
    other: str
    outcome: Difference
    inputs: tuple[Difference, ...]
    data: tuple[Difference, ...]
    schema_changes: tuple[str, ...]
    metrics: tuple[Difference, ...]
    slices: tuple[Difference, ...]
    seconds: tuple[Difference, ...]


def compare(store: MetadataStore, first: RunRecord, other: RunRecord) -> Comparison:
    """Compares two runs, as far as their artifacts still exist."""
    readings = RunReading(store, first), RunReading(store, other)
    schemas = [_schema(reading) for reading in readings]
    return Comparison(
        one=first.run_id,
        other=other.run_id,
        outcome=Difference(name="outcome", one=first.outcome, other=other.outcome),
        inputs=pair(*(_inputs(store, record) for record in (first, other)), changed=True),
        data=pair(*(_data(reading) for reading in readings), changed=True),
        schema_changes=tuple(_diff(*schemas)),
        metrics=pair(*(_metrics(record) for record in (first, other))),
        slices=pair(*(_slices(reading) for reading in readings)),
        seconds=pair(*(_seconds(store, record) for record in (first, other))),
    )


def pair(
    first: Mapping[str, Value], other: Mapping[str, Value], *, changed: bool = False
) -> tuple[Difference, ...]:
    """Pairs values of the same name; with `changed`, only those that differ."""
    names = [*first, *(name for name in other if name not in first)]
    pairs = (Difference(name=name, one=first.get(name), other=other.get(name)) for name in names)
    return tuple(pair for pair in pairs if not changed or pair.one != pair.other)


def _inputs(store: MetadataStore, record: RunRecord) -> dict[str, Value]:
    settings = RunRecords(store).settings(record) if record.settings else {}
    provenance = record.provenance.model_dump()
    spans = {
        f"span {span.number}": f"version {span.version}, {span.sha256[:12]}"
        for span in record.window
    }
    baseline = f"version {record.baseline.version}" if record.baseline else None
    return {
        "baseline": baseline,
        **spans,
        **{name: value for name, value in provenance.items() if name != "host"},
        **{f"digest of {name}": value for name, value in record.digests.model_dump().items()},
        **dict(_flat("", settings)),
    }


def _flat(prefix: str, values: Any) -> Iterator[tuple[str, Value]]:
    if not isinstance(values, Mapping):
        yield prefix, values if values is None or isinstance(values, bool | float) else str(values)
        return
    for key, value in values.items():
        yield from _flat(f"{prefix}.{key}" if prefix else key, value)


def _newest(reading: RunReading) -> SpanReader | None:
    return next((span for span in reversed(reading.spans) if span.statistics(TRAIN)), None)


def _data(reading: RunReading) -> dict[str, Value]:
    newest = _newest(reading)
    if newest is None:
        return {}
    known = features(newest.statistics(TRAIN))
    return {
        "span": str(newest.ref.number),
        **{name: value for features in known.values() for name, value in _statistics(features)},
    }


def _statistics(feature: Feature) -> Iterator[tuple[str, Value]]:
    yield f"{feature.name}: missing", round(feature.missing, 6)
    if feature.numeric is not None and feature.present:
        yield f"{feature.name}: mean", round(feature.numeric.mean, 6)
        yield f"{feature.name}: std. dev.", round(feature.numeric.std_dev, 6)
    if feature.text is not None and feature.present and not feature.is_identifier:
        yield f"{feature.name}: values", float(feature.text.unique)
        for value, share in feature.top(1).items():
            yield f"{feature.name}: most frequent", f"{value} ({share:.1%})"


def _schema(reading: RunReading) -> list[str]:
    parts = [part for part in (reading.train, *reading.parts.values()) if part]
    made = [
        artifact for part in parts for artifact in part.outputs(CURATED_SCHEMA).get("schema", [])
    ]
    files = [Path(artifact.uri, "schema.pbtxt") for artifact in made]
    return next((file.read_text().splitlines() for file in files if file.is_file()), [])


def _diff(first: list[str], other: list[str]) -> Iterator[str]:
    lines = difflib.unified_diff(first, other, lineterm="", n=1)
    yield from (line for line in lines if not line.startswith(("---", "+++")))


def _metrics(record: RunRecord) -> dict[str, Value]:
    found = record.results.metrics if record.results else {}
    return {f"{split} {name}": v for split, by in found.items() for name, v in by.items()}


def _slices(reading: RunReading) -> dict[str, Value]:
    report = reading.report(ModelReport)
    return {
        f"{part.name} {metric}": found.value
        for part in (report.slices if report else ())
        for metric, found in part.candidate.known.items()
    }


def _seconds(store: MetadataStore, record: RunRecord) -> dict[str, Value]:
    run = Lineage(store, "").run(record.run_id)
    return {f"{view.part} {view.node.node_id}": round(view.node.seconds, 1) for view in run.current}
