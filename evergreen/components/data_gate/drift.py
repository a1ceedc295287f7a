"""Distances of a span's distributions from those of earlier spans, and findings of large ones."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from evergreen.evaluation.distances import Distance, distances
from evergreen.quality.statistics import Feature, features
from evergreen.runs.reports.data import DRIFT, Against, Drift, Finding

Dataset: TypeAlias = statistics_pb2.DatasetFeatureStatistics
MEASURES = {"infinity_norm": "L_INFTY", "jensen_shannon_divergence": "JENSEN_SHANNON_DIVERGENCE"}
CONFIDENCE = 0.95
"""The chance that a span without any difference has no finding, whatever the number of features."""


def measure(
    current: Dataset, earlier: Mapping[Against, Sequence[Dataset]], schema: schema_pb2.Schema
) -> tuple[list[Drift], list[Finding]]:
    """Measures the features with a threshold in the schema, as monitors do.

    A feature without values of its type on either side has no distance; nor have numbers of spans
    that version 0.1.0 ingested, which have too few quantiles.

    Args:
        current: Statistics of the span.
        earlier: Statistics of the earlier spans, by their kind; several of a kind are merged.
        schema: The schema with the comparators.

    Returns:
        All distances, and a finding for each that is surely beyond its threshold; these refuse
        nothing.
    """
    limits = _limits(schema)
    now = {name: feature for name, feature in features(current).items() if name in limits}
    level = 1 - (1 - CONFIDENCE) / max(len(now) * len(earlier), 1)
    found = [
        (_drift(name, against, distance, limits[name]), distance)
        for against, datasets in earlier.items()
        for name, distance in distances(list(map(_fine, datasets)), now, level).items()
        if distance.is_text == ("infinity_norm" in limits[name])
    ]
    drifts = [drift for drift, _ in found]
    return drifts, [_finding(drift, distance) for drift, distance in found if drift.exceeded]


def _fine(dataset: Dataset) -> dict[str, Feature]:
    return {name: found for name, found in features(dataset).items() if not found.is_coarse}


def _limits(schema: schema_pb2.Schema) -> dict[str, dict[str, float]]:
    """Returns the threshold of each feature that has one, by the field of its measure."""
    return {
        feature.name: {
            field: getattr(feature.drift_comparator, field).threshold
            for field in MEASURES
            if feature.drift_comparator.HasField(field)
        }
        for feature in schema.feature
        if feature.HasField("drift_comparator")
    }


def _drift(name: str, against: Against, distance: Distance, limit: Mapping[str, float]) -> Drift:
    [(field, threshold)] = limit.items()
    return Drift(
        feature=name,
        against=against,
        measure=MEASURES[field],
        value=distance.value,
        interval=distance.interval,
        threshold=threshold,
        exceeded=distance.interval[0] > threshold,
    )


def _finding(drift: Drift, distance: Distance) -> Finding:
    change = distance.change
    return Finding(
        feature=drift.feature,
        kind=DRIFT,
        values=[change.value] if change and change.value else [],
        refuses=False,
        drift=drift,
        change=change,
    )
