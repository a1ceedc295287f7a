"""Confidence bounds of statistics of samples.

A level is the one-sided chance that the bound is wrong. Formulas: docs/canary.md.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import binom, binomtest, chi2

Array = NDArray[Any]
DECILES = np.linspace(0.1, 0.9, 9)
RESOLUTION = 0.05
"""An eighth of a standard deviation of a normal distribution, whose deciles are twice that
apart."""

RARE = 5
"""With fewer expected cases in the smaller sample, a category has no bin of its own: the rule for a
chi-square test (Cochran, Biometrics 10, 1954)."""


def least_increase(before: tuple[int, int], after: tuple[int, int], level: float) -> float:
    """Returns a lower bound of the difference of two shares.

    Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17, 1998, method 10).

    Args:
        before: The number of cases, and the number of rows.
        after: The same, for the minuend.
        level: The level of the bound.
    """
    _, highest = _wilson(*before, level)
    lowest, _ = _wilson(*after, level)
    old, new = (some / total for some, total in (before, after))
    return new - old - math.hypot(new - lowest, highest - old)


def _wilson(some: int, total: int, level: float) -> tuple[float, float]:
    interval = binomtest(some, total).proportion_ci(1 - 2 * level, method="wilson")
    return float(interval.low), float(interval.high)


def least_ratio(
    before: Sequence[float], after: Sequence[float], quantile: float, level: float
) -> float:
    """Returns a lower bound of the ratio of two quantiles, after over before.

    Each quantile has a bound at half of the level: the order statistic whose rank is a quantile of
    the binomial distribution, for any distribution of the values (Conover, Practical Nonparametric
    Statistics, 3.2).

    Returns:
        The bound; 0 if the samples are too small.
    """
    low_rank = int(binom.ppf(level / 2, len(after), quantile))
    high_rank = int(binom.ppf(1 - level / 2, len(before), quantile)) + 1
    if low_rank < 1 or high_rank > len(before):
        return 0.0
    return float(np.sort(after)[low_rank - 1] / np.sort(before)[high_rank - 1])


@dataclass(frozen=True)
class Divergence:
    """A Jensen-Shannon divergence, and what of it may be chance.

    Attributes:
        root: The root of the divergence in bits, which is a metric.
        expected: What the divergence is on average without any difference.
        noise: What it is at most by chance, at the level asked for.
    """

    root: float
    expected: float
    noise: float


def jensen_shannon(before: Array, after: Array, level: float) -> Divergence:
    """Compares two histograms.

    Without any difference the divergence is about (1/n + 1/m) / (8 ln 2) times chi-square with
    (bins - 1) degrees of freedom (Menendez et al., "The Jensen-Shannon divergence", 1997).

    Args:
        before: Counts, shape [bins]; bins that are empty on both sides count as none.
        after: The same.
        level: Of the noise: the chance that no more than it comes without any difference.
    """
    used = (before > 0) | (after > 0)
    root = float(np.nan_to_num(jensenshannon(before[used], after[used], base=2)))
    freedom = max(int(used.sum()) - 1, 1)
    scale = (1 / before.sum() + 1 / after.sum()) / (8 * math.log(2))
    return Divergence(root, scale * freedom, scale * chi2.ppf(level, freedom))


def divergence(
    before: Sequence[float], after: Sequence[float], level: float, is_category: bool = False
) -> tuple[float, float]:
    """Returns the Jensen-Shannon divergence of two samples in bits, and a lower bound of it.

    The histogram of categories has a bin for each, and one for rare ones together. That of numbers
    has a bin around each decile of an even mixture of both samples, and one for NaN.
    Values that differ by less than the share RESOLUTION of the deciles' reach count as equal: for a
    probability, 0.0001 and 0.01 are the same answer. The mean of the divergence without any
    difference is subtracted; the bound is the remainder of the root after subtracting the noise at
    the level.
    """
    histograms = _categories if is_category else _histograms
    counts, others = histograms(_array(before), _array(after))
    found = jensen_shannon(counts, others, 1 - level)
    value = max(found.root**2 - found.expected, 0.0)
    return value, max(found.root - math.sqrt(found.noise), 0.0) ** 2


def _array(sample: Sequence[float]) -> Array:
    return np.asarray(sample, np.float64)


def _categories(*samples: Array) -> Array:
    """Counts of two samples by category: [2, categories]."""
    values, places = np.unique(np.concatenate(samples), return_inverse=True)
    parts = np.split(places, [len(samples[0])])
    counts = np.stack([np.bincount(part, minlength=len(values)) for part in parts])
    sizes = counts.sum(axis=1)
    rare = counts.sum(axis=0) * sizes.min() / sizes.sum() < RARE
    return np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])


def _histograms(*samples: Array) -> Array:
    """Counts of two samples in the same bins: [2, bins]."""
    finite = [sample[~np.isnan(sample)] for sample in samples]
    weights = np.concatenate([np.full(len(sample), 1 / max(len(sample), 1)) for sample in finite])
    both = np.concatenate(finite)
    if len(both):
        both = np.quantile(both, DECILES, method="inverted_cdf", weights=weights)
    bounds = _between(np.unique(both))
    return np.stack([_counts(sample, bounds) for sample in samples])


def _between(deciles: Array) -> Array:
    """Returns bounds midway between different deciles; equal deciles share a bin."""
    finite = deciles[np.isfinite(deciles)]
    alike = RESOLUTION * np.ptp(finite) if len(finite) else 0.0
    bounds, first = [], deciles[:1]
    for before, after in itertools.pairwise(deciles):
        if after - first >= alike:
            middle = (before + after) / 2
            bounds.append(middle if np.isfinite(middle) else before)
            first = after
    return np.array(bounds)


def _counts(sample: Array, bounds: Array) -> Array:
    bins = np.where(np.isnan(sample), len(bounds) + 1, np.searchsorted(bounds, sample))
    return np.bincount(bins, minlength=len(bounds) + 2)
