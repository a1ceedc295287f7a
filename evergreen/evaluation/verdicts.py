"""Verdicts on a candidate, one for each criterion, with the figures behind it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evergreen.evaluation.bootstrap import compare
from evergreen.evaluation.losses import Floats
from evergreen.evaluation.metrics import why_undefined
from evergreen.evaluation.slices import Mask, Value, parts
from evergreen.runs.reports.model import ALL_ROWS, Verdict
from evergreen.settings.gates import Bound, Criteria, NotWorse
from evergreen.settings.metrics import metric
from evergreen.settings.task import Task


@dataclass(frozen=True)
class Predictions:
    """Both models' predictions on the same rows.

    Attributes:
        labels: 0 or 1, the index of a class, or a number, by the task, shape [n].
        candidate: Answers, shape [n]; of several classes, their probabilities, [n, classes].
        baseline: The same; None without a baseline.
        columns: Raw features by row, to slice by.
        unlabelled: The number of rows left out because they have no label.
        task: The models' task.
        classes: The names of the classes.
    """

    labels: Floats
    candidate: Floats
    baseline: Floats | None
    columns: Mapping[str, Sequence[Value]]
    unlabelled: int = 0
    task: Task = Task.BINARY
    classes: tuple[str, ...] = ()

    def positives(self, mask: Mask) -> int | None:
        """Returns how many of some rows have label 1; None if labels mean something else."""
        return int(self.labels[mask].sum()) if self.task is Task.BINARY else None


def undefined(
    metrics: Mapping[str, float], labels: Floats, task: Task = Task.BINARY
) -> dict[str, str]:
    """Returns the reasons for metrics of a model that have no value.

    Args:
        metrics: Computed values by name.
        labels: Labels of the task, shape [n].
        task: The model's task.
    """
    found = {name: _why(name, value, labels, task) for name, value in metrics.items()}
    return {name: why for name, why in found.items() if why}


def _why(name: str, value: float, labels: Floats, task: Task) -> str:
    if task is Task.BINARY:
        positives = int(labels.sum())
        return why_undefined(name, len(labels) - positives, positives, value)
    if math.isfinite(value):
        return ""
    return f"not defined, it came out as {value} on {len(labels):,} rows"


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
    least = criteria.min_rows
    cases = [case for rule in criteria.not_worse for case in _cases(rule, predictions, least)]
    deciding = sum(
        enough(criteria, predictions.labels[mask], predictions.task) for _, _, mask in cases
    )
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


def _cases(
    rule: NotWorse, predictions: Predictions, least: int
) -> Iterator[tuple[NotWorse, str, Mask]]:
    if not rule.by:
        yield rule, ALL_ROWS, np.ones(len(predictions.labels), bool)
    for slicing in rule.by:
        for name, mask in parts(slicing, predictions.columns, least):
            yield rule, name, mask


def enough(criteria: Criteria, labels: Floats, task: Task = Task.BINARY) -> bool:
    """Returns whether a slice has enough rows to decide, and enough of at least two classes."""
    if len(labels) < criteria.min_rows:
        return False
    if task is Task.REGRESSION:
        return True
    counts = np.sort(np.bincount(labels.astype(np.int64), minlength=2))
    return bool(counts[-2] >= criteria.min_class_rows)


def _compare(
    criteria: Criteria,
    rule: NotWorse,
    name: str,
    mask: Mask,
    predictions: Predictions,
    quantile: float,
) -> Verdict:
    assert predictions.baseline is not None
    labels, task = predictions.labels[mask], predictions.task
    paired = compare(
        metric(rule.metric, task, predictions.classes),
        labels,
        predictions.candidate[mask],
        predictions.baseline[mask],
        criteria.resamples,
        criteria.seed,
    )
    reach = quantile * paired.error
    interval = (paired.improvement - reach, paired.improvement + reach)
    decides = name == ALL_ROWS or enough(criteria, labels, task)
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
        positives=predictions.positives(mask),
        undefined=_why(rule.metric, paired.improvement, labels, task),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
