"""Metrics of a model with 95 % confidence intervals, on all rows and on each slice."""

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from evergreen.evaluation.bootstrap import Floats, log_losses
from evergreen.evaluation.slices import Mask, parts
from evergreen.evaluation.verdicts import Predictions, enough
from evergreen.runs.reports.model import ALL_ROWS, Estimate, Metrics, Slice
from evergreen.settings.gates import Criteria

REACH = NormalDist().inv_cdf(0.975)


def measure_slices(criteria: Criteria, predictions: Predictions) -> list[Slice]:
    """Measures the models on all rows, and on each slice that the criteria name."""
    return [
        Slice(
            name=name,
            rows=int(mask.sum()),
            positives=int(predictions.labels[mask].sum()),
            decides=name == ALL_ROWS or enough(criteria, predictions.labels[mask]),
            candidate=measure(predictions.labels[mask], predictions.candidate[mask]),
            baseline=None
            if predictions.baseline is None
            else measure(predictions.labels[mask], predictions.baseline[mask]),
        )
        for name, mask in _named(criteria, predictions)
    ]


def measure(labels: Floats, probabilities: Floats) -> Metrics:
    """Measures a model.

    Args:
        labels: 0 or 1, shape [n].
        probabilities: Shape [n].
    """
    losses = log_losses(labels, probabilities)
    error = losses.std(ddof=1) / math.sqrt(len(losses)) if len(losses) > 1 else math.nan
    return Metrics(
        {"log_loss": _estimate(losses.mean(), error), "auc": _auc(labels, probabilities)}
    )


def _named(criteria: Criteria, predictions: Predictions) -> Iterator[tuple[str, Mask]]:
    yield ALL_ROWS, np.ones(len(predictions.labels), bool)
    slicings = (slicing for rule in criteria.not_worse for slicing in rule.by)
    for slicing in dict.fromkeys(slicings):
        yield from parts(slicing, predictions.columns)


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
