"""Metrics of a binary classifier with confidence intervals, from histograms of its scores.

The histograms are fine enough for every metric. Their size does not depend on the number of rows,
and they can be added: metrics, their intervals and divergences of scores are computed from them.
Bins have equal widths on the scale of log-odds, log(p / (1 - p)), so that they are fine where the
log loss is steep: within a bin the log loss varies by at most 1/64.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from evergreen.evaluation.losses import EPSILON
from evergreen.evaluation.weighted import CALIBRATION_BINS, Ranking
from evergreen.runs.reports.model import Scores

ANY_AUC = "auc"
OVER_POSITIVES = {"calibration"}
"""Metrics that divide by the number of labels that are 1."""
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
PER_UNIT = 64
REACH = 1040
"""Bins on either side of 0.5: up to log-odds of 16.25, beyond which probabilities are clipped."""
BINS = 2 * REACH
CENTERS: Floats = 1 / (1 + np.exp(-(np.arange(BINS) - REACH + 0.5) / PER_UNIT))
"""The probability in the middle of each bin."""


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


def bins(probabilities: Floats) -> Counts:
    """Returns the bin of each probability; both of shape [n]."""
    kept = np.clip(probabilities, EPSILON, 1 - EPSILON)
    odds = np.log(kept) - np.log1p(-kept)
    return np.floor(odds * PER_UNIT).astype(np.int64) + REACH


def histogram(labels: Floats, probabilities: Floats) -> Counts:
    """Counts rows by label and bin.

    Args:
        labels: 0 or 1, shape [n].
        probabilities: Finite, shape [n].

    Returns:
        Shape [2, BINS].
    """
    cells = labels.astype(np.int64) * BINS + bins(probabilities)
    return np.bincount(cells, minlength=2 * BINS).reshape(2, BINS)


def pack(counts: Counts) -> Scores:
    """Returns the cells that are not empty of a histogram of shape [2, BINS]."""
    [cells] = np.nonzero(counts.ravel())
    return Scores(cells=cells.tolist(), counts=counts.ravel()[cells].tolist())


def unpack(scores: Scores) -> Counts:
    """Returns what `pack` was given, of shape [2, BINS]."""
    counts = np.zeros(2 * BINS, np.int64)
    counts[scores.cells] = scores.counts
    return counts.reshape(2, BINS)


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
    return value, interval_of(value, values, level)


def interval_of(value: float, values: Floats, level: float) -> tuple[float, float]:
    """Returns the basic bootstrap interval of a value; NaN if it is not defined.

    Args:
        value: The metric.
        values: The metric of resampled rows, shape [resamples].
        level: The level of the interval.
    """
    finite = values[np.isfinite(values)]
    if not np.isfinite(value) or not len(finite):
        return np.nan, np.nan
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(2 * value - high), float(2 * value - low)


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
