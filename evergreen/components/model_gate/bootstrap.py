"""Paired differences between two models on the same rows, with bootstrap standard errors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EPSILON = 1e-7  # Keras' epsilon: predictions are kept that far from 0 and 1
CHUNK = 4_000_000  # weights held at once


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


def compare_log_loss(
    labels: Floats, candidate: Floats, baseline: Floats, resamples: int, seed: int
) -> Paired:
    """Compares mean log losses; lower is better.

    Args:
        labels: 0 or 1, shape [n].
        candidate: Probabilities of the candidate, shape [n].
        baseline: Probabilities of the baseline, shape [n].
        resamples: Bootstrap resamples.
        seed: Of the resampling.
    """
    losses = log_losses(labels, candidate), log_losses(labels, baseline)
    gains = losses[1] - losses[0]
    means = [
        weights @ gains / weights.sum(axis=1) for weights in _weights(len(labels), resamples, seed)
    ]
    error = float(np.concatenate(means).std(ddof=1))
    return Paired(float(losses[0].mean()), float(losses[1].mean()), float(gains.mean()), error)


def compare_auc(
    labels: Floats, candidate: Floats, baseline: Floats, resamples: int, seed: int
) -> Paired:
    """Compares areas under the ROC curve; higher is better. Arguments as of `compare_log_loss`."""
    ones = np.ones((1, len(labels)))
    areas = auc(labels, candidate, ones)[0], auc(labels, baseline, ones)[0]
    gains = [
        auc(labels, candidate, weights) - auc(labels, baseline, weights)
        for weights in _weights(len(labels), resamples, seed)
    ]
    finite = [part[np.isfinite(part)] for part in gains]
    error = float(np.concatenate(finite).std(ddof=1)) if any(map(len, finite)) else math.nan
    return Paired(float(areas[0]), float(areas[1]), float(areas[0] - areas[1]), error)


def log_losses(labels: Floats, probabilities: Floats) -> Floats:
    """Returns the log loss of each row, shape [n]."""
    kept = np.clip(probabilities, EPSILON, 1 - EPSILON)
    return -(labels * np.log(kept) + (1 - labels) * np.log1p(-kept))


def auc(labels: Floats, scores: Floats, weights: Floats) -> Floats:
    """Returns weighted areas under the ROC curve, ties counted half.

    Args:
        labels: 0 or 1, shape [n].
        scores: Shape [n].
        weights: Shape [resamples, n].

    Returns:
        Shape [resamples]; NaN where a class has no weight, or a score is not finite.
    """
    if not np.isfinite(scores).all():
        return np.full(len(weights), np.nan)
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    positives = np.add.reduceat((weights * labels)[:, order], starts, axis=1)
    negatives = np.add.reduceat((weights * (1 - labels))[:, order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    with np.errstate(invalid="ignore"):
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        return (positives * below).sum(axis=1) / pairs


def _weights(rows: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yields weights of resampled rows, shape [some resamples, rows].

    Poisson bootstrap: each row is drawn Poisson(1) times, which for more than a few rows is as good
    as drawing with replacement, and can be made in pieces (Chamandy et al., "Estimating
    Uncertainty for Massive Data Streams", 2012).
    """
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // max(rows, 1))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        weights = generator.poisson(1.0, (size, rows)).astype(np.float64)
        weights[weights.sum(axis=1) == 0] = 1.0
        yield weights
