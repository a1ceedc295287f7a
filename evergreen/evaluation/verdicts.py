"""Verdicts on a candidate, one for each criterion, with the figures behind it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evergreen.evaluation.bootstrap import Floats, Paired, compare_auc, compare_log_loss
from evergreen.evaluation.metrics import why_undefined
from evergreen.evaluation.slices import Mask, Value, parts
from evergreen.runs.reports.model import ALL_ROWS, Verdict
from evergreen.settings.gates import Bound, Criteria, NotWorse, PairedMetric

COMPARE = {"auc": compare_auc, "log_loss": compare_log_loss}


@dataclass(frozen=True)
class Predictions:
    """Both models' predictions on the same rows.

    Attributes:
        labels: 0 or 1, shape [n].
        candidate: Probabilities, shape [n].
        baseline: Probabilities, shape [n]; None without a baseline.
        columns: Raw features by row, to slice by.
        unlabelled: The number of rows left out because they have no label.
    """

    labels: Floats
    candidate: Floats
    baseline: Floats | None
    columns: Mapping[str, Sequence[Value]]
    unlabelled: int = 0


def undefined(metrics: Mapping[str, float], labels: Floats) -> dict[str, str]:
    """Returns the reasons for metrics of a model that have no value.

    Args:
        metrics: Computed values by name.
        labels: 0 or 1, shape [n].
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    found = {
        name: why_undefined(name, negatives, positives, value) for name, value in metrics.items()
    }
    return {name: why for name, why in found.items() if why}


def judge_bounds(
    bounds: Sequence[Bound], metrics: Mapping[str, float], unknown: Mapping[str, str]
) -> list[Verdict]:
    """Judges absolute thresholds; a metric that is missing or has no value does not pass.

    Args:
        bounds: The thresholds.
        metrics: The candidate's metrics, by name.
        unknown: The result of `undefined` for them.
    """
    return [
        _bound(half, metrics, unknown.get(bound.metric, ""))
        for bound in bounds
        for half in _halves(bound)
    ]


def judge_comparisons(criteria: Criteria, predictions: Predictions) -> list[Verdict]:
    """Judges a candidate against the baseline, on all rows and on each named slice.

    Returns:
        A verdict for each criterion and slice; none without a baseline.
    """
    if predictions.baseline is None:
        return []
    cases = [case for rule in criteria.not_worse for case in _cases(rule, predictions)]
    deciding = sum(enough(criteria, predictions.labels[mask]) for _, _, mask in cases)
    quantile = NormalDist().inv_cdf(1 - (1 - criteria.confidence) / max(deciding, 1))
    return [
        _compare(criteria, rule, name, mask, predictions, quantile) for rule, name, mask in cases
    ]


def _halves(bound: Bound) -> Iterator[Bound]:
    """The limits of a bound apart: each has a verdict."""
    if bound.at_least is not None:
        yield Bound(metric=bound.metric, at_least=bound.at_least)
    if bound.at_most is not None:
        yield Bound(metric=bound.metric, at_most=bound.at_most)


def _bound(half: Bound, metrics: Mapping[str, float], why: str) -> Verdict:
    value = math.nan if why else metrics.get(half.metric, math.nan)
    known = math.isfinite(value)
    least, most = half.at_least, half.at_most
    holds = (least is None or value >= least) and (most is None or value <= most)
    return Verdict(
        metric=half.metric,
        at_least=least,
        at_most=most,
        passed=known and holds,
        value=value if known else None,
        undefined=why,
    )


def _cases(rule: NotWorse, predictions: Predictions) -> Iterator[tuple[NotWorse, str, Mask]]:
    if not rule.by:
        yield rule, ALL_ROWS, np.ones(len(predictions.labels), bool)
    for slicing in rule.by:
        for name, mask in parts(slicing, predictions.columns):
            yield rule, name, mask


def enough(criteria: Criteria, labels: Floats) -> bool:
    """Returns whether a slice has enough rows, and of both classes, to decide."""
    positives = int(labels.sum())
    fewest = min(positives, len(labels) - positives)
    return len(labels) >= criteria.min_rows and fewest >= criteria.min_class_rows


def _compare(
    criteria: Criteria,
    rule: NotWorse,
    name: str,
    mask: Mask,
    predictions: Predictions,
    quantile: float,
) -> Verdict:
    labels = predictions.labels[mask]
    positives = int(labels.sum())
    paired = _paired(rule.metric, predictions, mask, criteria)
    reach = quantile * paired.error
    interval = (paired.improvement - reach, paired.improvement + reach)
    decides = name == ALL_ROWS or enough(criteria, labels)
    # NaN never passes: it means that a model did not answer a number.
    within = interval[1] >= -rule.margin
    return Verdict(
        metric=rule.metric,
        slice=name,
        margin=rule.margin,
        passed=bool(within) or not decides,
        decides=decides,
        value=_finite(paired.candidate),
        baseline=_finite(paired.baseline),
        improvement=_finite(paired.improvement),
        interval=interval if all(map(math.isfinite, interval)) else None,
        rows=len(labels),
        positives=positives,
        undefined=why_undefined(
            rule.metric, len(labels) - positives, positives, paired.improvement
        ),
    )


def _paired(
    metric: PairedMetric, predictions: Predictions, mask: Mask, criteria: Criteria
) -> Paired:
    assert predictions.baseline is not None
    return COMPARE[metric](
        predictions.labels[mask],
        predictions.candidate[mask],
        predictions.baseline[mask],
        criteria.resamples,
        criteria.seed,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
