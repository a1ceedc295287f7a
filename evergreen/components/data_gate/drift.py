"""Distances of a span's distributions from those of earlier spans, and findings of large ones."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

# isort: off
import tfx  # noqa: F401 - puts a stand-in where TFDV 1.16 misses a module of tfx-bsl 1.21
import tensorflow_data_validation as tfdv

# isort: on
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from evergreen.quality.merged import Feature, counts, merge
from evergreen.runs.reports.data import DRIFT, Against, Change, Drift, Finding

Dataset: TypeAlias = statistics_pb2.DatasetFeatureStatistics
Measure = anomalies_pb2.DriftSkewInfo.Measurement.Type


def drift_finding(drift: Drift, now: Feature, before: Feature) -> Finding:
    """Returns a finding, which refuses nothing, for a distance beyond its threshold.

    Args:
        drift: The distance.
        now: Statistics of the feature in the span.
        before: Its statistics in the earlier spans.
    """
    change = Change(before=before.num_stats.mean, now=now.num_stats.mean)
    if now.HasField("string_stats"):
        change = _largest_change(counts(before), counts(now))
    return Finding(
        feature=drift.feature,
        kind=DRIFT,
        values=[change.value] if change.value else [],
        refuses=False,
        drift=drift,
        change=change,
    )


def _largest_change(before: Counter[str], now: Counter[str]) -> Change:
    """Returns the value whose share changed most."""
    value = max(
        before | now,
        key=lambda value: abs(now[value] / now.total() - before[value] / before.total()),
    )
    return Change(value=value, before=before[value] / before.total(), now=now[value] / now.total())


def measure(
    current: Dataset, earlier: Sequence[Dataset], schema: schema_pb2.Schema, against: Against
) -> tuple[list[Drift], list[Finding]]:
    """Measures with TFDV's own comparators, for the features with a threshold in the schema.

    A feature without values on either side has no distance.

    Args:
        current: Statistics of the span.
        earlier: Statistics of the earlier spans; several are merged.
        schema: The schema with the comparators.
        against: The kind of the earlier spans.

    Returns:
        All distances, and a finding for each beyond its threshold; these refuse nothing.
    """
    names = [feature.name for feature in schema.feature if feature.HasField("drift_comparator")]
    now = _with_values(current, names)
    parts = [_with_values(dataset, names) for dataset in earlier]
    before = {name: merge(same) for name in now if (same := _same(name, now[name], parts))}
    if not before:
        return [], []
    found = tfdv.validate_statistics(
        _dataset(now[name] for name in before),
        schema,
        previous_statistics=_dataset(before.values()),
    )
    drifts = [
        Drift(
            feature=name,
            against=against,
            measure=Measure.Name(measurement.type),
            value=measurement.value,
            threshold=measurement.threshold,
            exceeded=measurement.value > measurement.threshold,
        )
        for info in found.drift_skew_info
        for measurement in info.drift_measurements
        for name in info.path.step
    ]
    exceeded = [drift for drift in drifts if drift.exceeded]
    return drifts, [
        drift_finding(drift, now[drift.feature], before[drift.feature]) for drift in exceeded
    ]


def _with_values(dataset: Dataset, names: Iterable[str]) -> dict[str, Feature]:
    """Returns the named features that have values. TFDV would measure a distance from nothing."""
    features = {".".join(feature.path.step): feature for feature in dataset.features}
    return {name: features[name] for name in names if name in features and _values(features[name])}


def _values(feature: Feature) -> int:
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats.tot_num_values if kind else 0


def _same(name: str, feature: Feature, parts: Iterable[Mapping[str, Feature]]) -> list[Feature]:
    """Returns the feature in other spans, if it has the same kind: numbers, or text."""
    same = [part[name] for part in parts if name in part]
    return [
        candidate
        for candidate in same
        if candidate.WhichOneof("stats") == feature.WhichOneof("stats")
    ]


def _dataset(features: Iterable[Feature]) -> statistics_pb2.DatasetFeatureStatisticsList:
    # A data set without rows would be skipped; their number does not affect distances.
    dataset = Dataset(num_examples=1, features=features)
    return statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
