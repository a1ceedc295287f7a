"""Metrics of a binary classifier with confidence intervals, from a histogram of its scores."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from evergreen.evaluation.bootstrap import Ranking
from evergreen.evaluation.scores import CENTERS, Counts

Floats = NDArray[np.float64]
CALIBRATION_BINS = 10


def measure(
    counts: Counts, metric: str, resamples: int, level: float, seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """Returns a metric and its confidence interval.

    Poisson bootstrap (Chamandy et al., "Estimating Uncertainty for Massive Data Streams", 2012):
    each row is drawn Poisson(1) times, so a cell of n equal rows Poisson(n) times. The interval is
    the basic one, [2 value - upper quantile, 2 value - lower quantile], which removes the bias that
    `calibration_error` has in small samples (Davison and Hinkley, Bootstrap Methods, 5.2.1).

    Args:
        counts: Rows by label and bin of the score, shape [2, BINS].
        metric: The name of the metric.
        resamples: Bootstrap resamples.
        level: The level of the interval, such as 0.95.
        seed: The seed of the resampling.

    Returns:
        NaN if the metric is not defined, such as AUC with one class.
    """
    value = compute(counts, metric)
    [used] = np.nonzero(counts.any(axis=0))
    cells = counts[:, used]
    drawn = np.random.default_rng(seed).poisson(cells, (resamples, *cells.shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = METRICS[metric](drawn.astype(np.float64), CENTERS[used])
    finite = values[np.isfinite(values)]
    if not np.isfinite(value) or not len(finite):
        return value, (np.nan, np.nan)
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return value, (float(2 * value - high), float(2 * value - low))


def compute(counts: Counts, metric: str) -> float:
    """Returns only a metric; counts as in `measure`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(METRICS[metric](counts[np.newaxis].astype(np.float64), CENTERS)[0])


def _log_loss(cells: Floats, scores: Floats) -> Floats:
    losses = cells[:, 1] @ -np.log(scores) + cells[:, 0] @ -np.log1p(-scores)
    return losses / cells.sum(axis=(1, 2))


def _brier(cells: Floats, scores: Floats) -> Floats:
    losses = cells[:, 1] @ (1 - scores) ** 2 + cells[:, 0] @ scores**2
    return losses / cells.sum(axis=(1, 2))


def _accuracy(cells: Floats, scores: Floats) -> Floats:
    right = cells[:, 1] @ (scores > 0.5) + cells[:, 0] @ (scores < 0.5)  # noqa: PLR2004
    return right / cells.sum(axis=(1, 2))


def _calibration(cells: Floats, scores: Floats) -> Floats:
    """Returns mean prediction over mean label, like TFMA's `calibration`."""
    return (cells.sum(axis=1) @ scores) / cells[:, 1].sum(axis=1)


def _calibration_error(cells: Floats, scores: Floats) -> Floats:
    """Returns the expected calibration error over ten bins of equal width.

    Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015.
    """
    places = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    into = np.eye(CALIBRATION_BINS)[places]
    predicted, observed = (cells.sum(axis=1) * scores) @ into, cells[:, 1] @ into
    return np.abs(predicted - observed).sum(axis=1) / cells.sum(axis=(1, 2))


def _auc(cells: Floats, scores: Floats) -> Floats:
    """Treats the cells as rows with weights; scores within a bin are ties."""
    labels = np.repeat([0.0, 1.0], len(scores))
    return Ranking(labels, np.tile(scores, 2)).areas(cells.reshape(len(cells), -1))


METRICS: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "log_loss": _log_loss,
    "auc": _auc,
    "brier": _brier,
    "accuracy": _accuracy,
    "calibration": _calibration,
    "calibration_error": _calibration_error,
}
"""Functions from cells of shape [samples, 2, n] and scores of shape [n] to values of shape
[samples]."""
