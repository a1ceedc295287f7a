"""Reasons why metrics have no value on some labels, in the same words everywhere."""

import math

ANY_AUC = "auc"
OVER_POSITIVES = {"calibration"}
"""Metrics that divide by the number of labels that are 1."""


def why_undefined(metric: str, negatives: int, positives: int, value: float = 0.0) -> str:
    """Returns why a metric has no value; empty if it has one.

    Use it as `f"{metric}: {why}"`: "auc: not defined, all 500 labels are 0". Some libraries return
    0 for an AUC of one class, so the labels are checked before the value.

    Args:
        metric: Its name, with or without a prefix such as `tfma.`; names of all AUC metrics contain
            "auc".
        negatives: Rows with label 0.
        positives: Rows with label 1.
        value: The computed value.
    """
    rows, name = negatives + positives, metric.lower()
    if not rows:
        return "not defined, no row has a label"
    needs_both = ANY_AUC in name
    if not positives and (needs_both or name in OVER_POSITIVES):
        return f"not defined, {_all(rows)} 0"
    if not negatives and needs_both:
        return f"not defined, {_all(rows)} 1"
    if not math.isfinite(value):
        return f"not defined, it came out as {value} on {rows:,} rows, {positives:,} with label 1"
    return ""


def _all(rows: int) -> str:
    return "the only label is" if rows == 1 else f"all {rows:,} labels are"
