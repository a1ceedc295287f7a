"""Paired differences between two models on the same rows, with bootstrap standard errors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EPSILON = 1e-7  # Keras' epsilon: predictions are kept that far from 0 and 1
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


def compare_log_loss(
    labels: Floats, candidate: Floats, baseline: Floats, resamples: int, seed: int
) -> Paired:
    """Compares mean log losses; lower is better.

    Args:
        labels: 0 or 1, shape [n].
        candidate: Probabilities of the candidate, shape [n].
        baseline: Probabilities of the baseline, shape [n].
        resamples: Bootstrap resamples.
        seed: The seed of the resampling.
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
    """Compares areas under the ROC curve; higher is better. Arguments as in `compare_log_loss`."""
    better, worse = Ranking(labels, candidate), Ranking(labels, baseline)
    ones = np.ones((1, len(labels)))
    areas = better.areas(ones)[0], worse.areas(ones)[0]
    gains = np.concatenate(
        [
            better.areas(weights) - worse.areas(weights)
            for weights in _weights(len(labels), resamples, seed)
        ]
    )
    finite = gains[np.isfinite(gains)]
    error = float(finite.std(ddof=1)) if len(finite) else math.nan
    return Paired(float(areas[0]), float(areas[1]), float(areas[0] - areas[1]), error)


def log_losses(labels: Floats, probabilities: Floats) -> Floats:
    """Returns the log loss of each row, shape [n]."""
    kept = np.clip(probabilities, EPSILON, 1 - EPSILON)
    return -(labels * np.log(kept) + (1 - labels) * np.log1p(-kept))


class Ranking:
    """Rows sorted by a model's scores, so that an area under the ROC curve is a sum over them."""

    def __init__(self, labels: Floats, scores: Floats) -> None:
        """Sorts once, for any number of weights.

        Args:
            labels: 0 or 1, shape [n].
            scores: Shape [n].
        """
        self._finite = bool(np.isfinite(scores).all())
        self._order = np.argsort(scores, kind="stable")
        self._labels = labels[self._order]
        self._starts = np.flatnonzero(np.diff(scores[self._order], prepend=-np.inf))

    def areas(self, weights: Floats) -> Floats:
        """Returns weighted areas under the ROC curve, ties counted half.

        Args:
            weights: Shape [resamples, n].

        Returns:
            Shape [resamples]; NaN where a class has no weight, or a score is not finite.
        """
        if not self._finite:
            return np.full(len(weights), np.nan)
        ordered = weights[:, self._order]
        positives = np.add.reduceat(ordered * self._labels, self._starts, axis=1)
        negatives = np.add.reduceat(ordered * (1 - self._labels), self._starts, axis=1)
        below = np.cumsum(negatives, axis=1) - negatives / 2
        with np.errstate(invalid="ignore"):
            pairs = positives.sum(axis=1) * negatives.sum(axis=1)
            return (positives * below).sum(axis=1) / pairs


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
