"""Measures the distances of a span's distributions from those of earlier spans."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

# isort: off
import tfx  # noqa: F401 - puts a stand-in where TFDV 1.16 misses a module of tfx-bsl 1.21
import tensorflow_data_validation as tfdv

# isort: on
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from evergreen.components.data_gate.drift import drift_finding
from evergreen.quality.merged import merge
from evergreen.runs.reports.data import Against, Drift, Finding

Dataset: TypeAlias = statistics_pb2.DatasetFeatureStatistics
Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
Measure = anomalies_pb2.DriftSkewInfo.Measurement.Type


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
    exceeded = [one for one in drifts if one.exceeded]
    return drifts, [drift_finding(one, now[one.feature], before[one.feature]) for one in exceeded]


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
    return [one for one in same if one.WhichOneof("stats") == feature.WhichOneof("stats")]


def _dataset(features: Iterable[Feature]) -> statistics_pb2.DatasetFeatureStatisticsList:
    # A data set without rows would be skipped; their number does not affect distances.
    dataset = Dataset(num_examples=1, features=features)
    return statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
