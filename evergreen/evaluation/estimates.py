"""Metrics of a model with 95 % confidence intervals, on all rows and on each slice."""

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from evergreen.evaluation.losses import Floats, row_losses
from evergreen.evaluation.slices import Mask, parts
from evergreen.evaluation.verdicts import Predictions, enough
from evergreen.runs.reports.model import ALL_ROWS, Estimate, Metrics, Slice
from evergreen.settings.gates import Criteria
from evergreen.settings.metrics import MAIN
from evergreen.settings.task import Task

REACH = NormalDist().inv_cdf(0.975)


def measure_slices(criteria: Criteria, predictions: Predictions) -> list[Slice]:
    """Measures the models on all rows, and on each slice that the criteria name."""
    labels, task, theirs = predictions.labels, predictions.task, predictions.baseline
    return [
        Slice(
            name=name,
            rows=int(mask.sum()),
            positives=predictions.positives(mask),
            decides=name == ALL_ROWS or enough(criteria, labels[mask], task),
            candidate=measure(labels[mask], predictions.candidate[mask], task),
            baseline=None if theirs is None else measure(labels[mask], theirs[mask], task),
        )
        for name, mask in _named(criteria, predictions)
    ]


def measure(labels: Floats, answers: Floats, task: Task = Task.BINARY) -> Metrics:
    """Measures the main metrics of a task.

    Args:
        labels: Labels of the task, shape [n].
        answers: Shape [n] or [n, classes].
        task: The model's task.
    """
    return Metrics({name: _measured(name, labels, answers) for name in MAIN[task]})


def _measured(name: str, labels: Floats, answers: Floats) -> Estimate | None:
    if name == "auc":
        return _auc(labels, answers)
    rooted = name == "rmse"
    losses = row_losses("squared_error" if rooted else name, labels, answers)
    error = losses.std(ddof=1) / math.sqrt(len(losses)) if len(losses) > 1 else math.nan
    if not rooted:
        return _estimate(losses.mean(), error, upper=1.0 if name == "accuracy" else math.inf)
    root = math.sqrt(losses.mean())
    return _estimate(root, error / (2 * root) if root else 0.0)  # by the delta method


def _named(criteria: Criteria, predictions: Predictions) -> Iterator[tuple[str, Mask]]:
    yield ALL_ROWS, np.ones(len(predictions.labels), bool)
    slicings = (slicing for rule in criteria.not_worse for slicing in rule.by)
    for slicing in dict.fromkeys(slicings):
        yield from parts(slicing, predictions.columns, criteria.min_rows)


def _auc(labels: Floats, scores: Floats) -> Estimate | None:
    """Returns the area under the ROC curve with DeLong's standard error.

    E. DeLong et al., "Comparing the Areas under Two or More Correlated Receiver Operating
    Characteristic Curves", 1988; by mid-ranks as in Sun and Xu, 2014.
    """
    positive = labels == 1
    wins, losses = scores[positive], scores[~positive]
    if not np.isfinite(scores).all() or min(len(wins), len(losses)) < 2:  # noqa: PLR2004 - a variance
        return None
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    by_win = (ranks[positive] - rankdata(wins)) / len(losses)
    by_loss = 1 - (ranks[~positive] - rankdata(losses)) / len(wins)
    variance = by_win.var(ddof=1) / len(wins) + by_loss.var(ddof=1) / len(losses)
    return _estimate(by_win.mean(), math.sqrt(variance), upper=1.0)


def _estimate(value: float, error: float, upper: float = math.inf) -> Estimate | None:
    if not math.isfinite(value) or not math.isfinite(error):
        return None
    low, high = value - REACH * error, value + REACH * error
    return Estimate(value=value, low=max(low, 0.0), high=min(high, upper))
