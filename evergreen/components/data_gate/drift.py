"""Findings for distances between distributions that are too large."""

from collections import Counter
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import statistics_pb2

from evergreen.quality.descriptions import percent
from evergreen.quality.merged import counts
from evergreen.runs.reports.data import DRIFT, Drift, Finding

Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
WORDS = {
    "previous": "the span before",
    "window": "the earlier spans of the window",
    "L_INFTY": "an L-infinity distance",
    "JENSEN_SHANNON_DIVERGENCE": "a Jensen-Shannon divergence",
    "NORMALIZED_ABSOLUTE_DIFFERENCE": "a normalized absolute difference",
}


def drift_finding(drift: Drift, now: Feature, before: Feature) -> Finding:
    """Returns a finding, which refuses nothing, for a distance beyond its threshold.

    Args:
        drift: The distance.
        now: Statistics of the feature in the span.
        before: Its statistics in the earlier spans.
    """
    value = None
    change = f"the mean went from {before.num_stats.mean:.5g} to {now.num_stats.mean:.5g}"
    if now.HasField("string_stats"):
        value, old, new = _largest_change(counts(before), counts(now))
        change = f"{value} went from {percent(old)} to {percent(new)} of the values"
    return Finding(
        feature=drift.feature,
        kind=DRIFT,
        description=f"expected {WORDS[drift.measure]} of at most {drift.threshold:g} from "
        f"{WORDS[drift.against]}; found {drift.value:.4g}: {change}",
        count=0,
        rows=0,
        values=[value] if value else [],
        refuses=False,
    )


def _largest_change(before: Counter[str], now: Counter[str]) -> tuple[str, float, float]:
    """Returns the value whose share changed most, with its share before and now."""
    value = max(
        before | now, key=lambda one: abs(now[one] / now.total() - before[one] / before.total())
    )
    return value, before[value] / before.total(), now[value] / now.total()
