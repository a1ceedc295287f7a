"""Histograms of scores, fine enough for every metric of a binary classifier.

Their size does not depend on the number of rows, and histograms can be added: metrics, their
confidence intervals and divergences of scores are computed from them. Bins have equal widths on the
scale of log-odds, log(p / (1 - p)), so that they are fine where the log loss is steep: within a bin
the log loss varies by at most 1/64.
"""

import numpy as np
from numpy.typing import NDArray

from evergreen.evaluation.bootstrap import EPSILON
from evergreen.runs.reports.model import Scores

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
PER_UNIT = 64
REACH = 1040
"""Bins on either side of 0.5: up to log-odds of 16.25, beyond which probabilities are clipped."""
BINS = 2 * REACH
CENTERS: Floats = 1 / (1 + np.exp(-(np.arange(BINS) - REACH + 0.5) / PER_UNIT))
"""The probability in the middle of each bin."""


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
