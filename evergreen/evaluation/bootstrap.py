"""Paired differences between two models on the same rows, with bootstrap standard errors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evergreen.evaluation.losses import LOSSES, Floats, row_losses
from evergreen.evaluation.weighted import Weighted, mean_of, value, weighted
from evergreen.settings.metrics import Metric

CHUNK = 1 << 18  # weights at a time, which fit the processor's cache


@dataclass(frozen=True)
class Paired:
    """A metric of both models on the same rows.

    Attributes:
        candidate: The candidate's value.
        baseline: The baseline's value.
        improvement: How much better the candidate is; negative if it is worse.
        error: Standard error of the improvement.
    """

    candidate: float
    baseline: float
    improvement: float
    error: float


def compare(
    metric: Metric, labels: Floats, candidate: Floats, baseline: Floats, resamples: int, seed: int
) -> Paired:
    """Compares two models by a metric that has no class as argument.

    Args:
        metric: The metric.
        labels: Shape [n], as in `losses.py`.
        candidate: Answers of the candidate, shape [n] or [n, classes].
        baseline: Answers of the baseline.
        resamples: Bootstrap resamples.
        seed: The seed of the resampling.
    """
    ours, theirs = (value(metric, labels, answers) for answers in (candidate, baseline))
    improvement, gain = _gain(metric, labels, candidate, baseline)
    gains = np.concatenate([gain(weights) for weights in _weights(len(labels), resamples, seed)])
    finite = gains[np.isfinite(gains)]
    error = float(finite.std(ddof=1)) if len(finite) else math.nan
    return Paired(ours, theirs, improvement, error)


def _gain(
    metric: Metric, labels: Floats, candidate: Floats, baseline: Floats
) -> tuple[float, Weighted]:
    """Returns how much better the candidate is, and the same as a function of rows' weights."""
    models = (candidate, baseline)
    if metric.family in LOSSES:
        argument = float(metric.argument or 0)
        ours, theirs = (row_losses(metric.family, labels, model, argument) for model in models)
        gains = metric.better * (ours - theirs)
        return float(gains.mean()), mean_of(gains)
    better, worse = (weighted(metric, labels, model) for model in models)
    apart = value(metric, labels, candidate) - value(metric, labels, baseline)
    return metric.better * apart, lambda weights: better(weights) - worse(weights)


def _weights(rows: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yields weights of resampled rows, shape [some resamples, rows].

    Bayesian bootstrap: each row has an exponential weight instead of the number of times that it is
    drawn (Rubin, "The Bayesian Bootstrap", 1981). Mean and variance are 1, like those of such
    counts; the weights are faster to generate, and no row is without weight.
    """
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // max(rows, 1))
    for start in range(0, resamples, step):
        yield generator.standard_exponential((min(step, resamples - start), rows))
