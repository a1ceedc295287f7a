"""Distances between distributions: L-infinity for categories, Jensen-Shannon for numbers.

Both are computed from TFDV's statistics; rows without a value count as a category, or bin. Numbers
are compared in the deciles of the earlier distribution. TFDV's own Jensen-Shannon divergence
spreads values evenly within ten buckets of each histogram, which one extreme value makes wide:
miles turned into kilometres move it less than one year moves it from the next.

Earlier data sets are merged without reading rows again. The counts of text are added: exact up to
the 1,000 values that TFDV keeps. The distribution of numbers is the mean of the data sets' own,
weighted by their rows; each is known at its quantiles and straight between them, so that the share
of a bin is wrong by at most two steps between quantiles: with `STEPS` of them, by 0.04.
"""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evergreen.evaluation.bounds import jensen_shannon
from evergreen.evaluation.metrics import Counts
from evergreen.quality.names import clipped
from evergreen.quality.statistics import QUANTILES, Feature
from evergreen.runs.reports.data import Change
from evergreen.texts import percent

Floats = NDArray[np.float64]
DECILES = np.arange(1, 10) / 10
MISSING = "(missing)"


@dataclass(frozen=True)
class Distance:
    """A distance, and the part of it that may be chance.

    Attributes:
        value: The distance, from 0 to 1.
        noise: The distance by chance alone, at the given level; for numbers on the scale of the
            root of the divergence, which is a metric.
        is_text: Whether it is the distance for text.
        detail: The largest change, in words.
        expected: What chance alone adds to a divergence of numbers, on average.
        change: The largest change of a feature.
    """

    value: float
    noise: float
    is_text: bool
    detail: str
    expected: float = 0.0
    change: Change | None = None

    @property
    def excess(self) -> float:
        """The distance without what chance alone adds to it on average."""
        return max(self.value - self.expected, 0.0)

    @property
    def interval(self) -> tuple[float, float]:
        """The confidence interval of the distance."""
        if self.is_text:
            return max(self.value - self.noise, 0.0), min(self.value + self.noise, 1.0)
        root = math.sqrt(self.value)
        return max(root - self.noise, 0.0) ** 2, min(root + self.noise, 1.0) ** 2


def distances(
    before: Sequence[Mapping[str, Feature]], now: Mapping[str, Feature], level: float
) -> dict[str, Distance]:
    """Measures each feature known on both sides, as numbers or as text.

    Args:
        before: Features by name; several data sets are merged.
        now: Features of a span, or of live traffic.
        level: The level of the noise, for one feature.
    """
    found = {}
    for name, feature in now.items():
        is_text, earlier = _alike(feature, [data[name] for data in before if name in data])
        if not feature.rows or not any(
            data.present if is_text else _curve(data).rows for data in earlier
        ):
            continue
        found[name] = (_of_text if is_text else _of_numbers)(earlier, feature, level)
    return found


def divergence(before: Counts | Floats, now: Counts | Floats, level: float) -> Distance:
    """Returns the Jensen-Shannon divergence of two histograms, shape [bins]; level as above."""
    found = jensen_shannon(before, now, level)
    return Distance(found.root**2, math.sqrt(found.noise), False, "", found.expected)


def _alike(now: Feature, before: Sequence[Feature]) -> tuple[bool, list[Feature]]:
    """Returns whether it is text, and the earlier features of its type: those without a value too.

    Another type is reported by the check of the schema.
    """
    known = [now] if now.present else before
    is_text = any(feature.text is not None for feature in known)
    fits = (not feature.present or (feature.text is not None) == is_text for feature in before)
    return is_text, list(itertools.compress(before, fits))


def of_cells(before: Counts, now: Counts, level: float) -> Distance:
    """Returns the divergence of two histograms of ordered cells that are many for their rows.

    Cells are merged between the deciles of the earlier rows. A cell with a tenth of these or more
    begins a bin, so that what falls below it is not taken for it.

    Args:
        before: Rows by cell, shape [cells]; there must be a row.
        now: The same.
        level: The level of the noise.
    """
    below = np.cumsum(before) / before.sum()
    ends = np.searchsorted(below, DECILES - 1e-9)
    [heavy] = np.nonzero(before >= before.sum() / (len(DECILES) + 1))
    starts = np.union1d([0], np.concatenate([ends + 1, heavy]))
    starts = starts[starts < len(before)].astype(int)
    return divergence(np.add.reduceat(before, starts), np.add.reduceat(now, starts), level)


def _of_text(before: Sequence[Feature], now: Feature, level: float) -> Distance:
    old, new = sum((_counts(feature) for feature in before), Counter()), _counts(now)
    n, m = old.total(), new.total()
    changes = {value: new[value] / m - old[value] / n for value in old | new}
    most = max(changes, key=lambda value: abs(changes[value]))
    share = (old[most] + new[most]) / (n + m)
    # Among so many values, one has a large change by chance.
    reach = NormalDist().inv_cdf(1 - (1 - level) / (2 * len(changes)))
    return Distance(
        value=abs(changes[most]),
        noise=reach * math.sqrt(share * (1 - share) * (1 / n + 1 / m)),
        is_text=True,
        detail=f"{clipped(most)} went from {percent(old[most] / n)} to {percent(new[most] / m)}",
        change=Change(value=most, before=old[most] / n, now=new[most] / m),
    )


def _of_numbers(before: Sequence[Feature], now: Feature, level: float) -> Distance:
    parts = [curve for curve in map(_curve, before) if curve.rows]
    points = np.unique(np.concatenate([curve.points for curve in parts]))
    total = sum(curve.rows for curve in parts)
    below = np.sum([curve.at(points) * (curve.rows / total) for curve in parts], axis=0)
    edges = np.unique(points[np.searchsorted(below, DECILES - 1e-9).clip(max=len(points) - 1)])
    old, live = _bins(below[np.searchsorted(points, edges)]), _curve(now)
    new = _bins(live.at(edges)) if live.rows else old * 0
    found = divergence(
        np.append(old * total, max(sum(feature.rows for feature in before) - total, 0)),
        np.append(new * live.rows, max(now.rows - live.rows, 0)),
        level,
    )
    mean = (
        sum(feature.numeric.mean * feature.present for feature in before if feature.present) / total
    )
    missing = Change(value=MISSING, before=_absent(before), now=now.missing)
    if not live.rows:
        return replace(found, detail=f"no value at all{_missing(missing)}", change=missing)
    change = Change(before=mean, now=now.numeric.mean)
    if abs(missing.now - missing.before) > np.abs(new - old).max():
        change = missing
    words = f"mean {mean:.4g} to {now.numeric.mean:.4g}{_missing(missing)}"
    return replace(found, detail=words, change=change)


def _counts(feature: Feature) -> Counter[str]:
    buckets = feature.text.rank_histogram.buckets if feature.text is not None else ()
    counts = Counter({bucket.label: bucket.sample_count for bucket in buckets})
    counts[MISSING] = feature.absent
    return +counts


def _absent(features: Sequence[Feature]) -> float:
    return sum(feature.absent for feature in features) / sum(feature.rows for feature in features)


def _missing(change: Change) -> str:
    if abs(change.now - change.before) <= 0.01:  # noqa: PLR2004 - smaller ones are not mentioned
        return ""
    return f", missing {percent(change.before)} to {percent(change.now)}"


@dataclass(frozen=True)
class _Curve:
    """The share `below` of values up to and including each of `points`, both of shape [n].

    Attributes:
        rows: The number of finite values: neither NaN nor infinity counts.
    """

    points: Floats
    below: Floats
    rows: int

    def at(self, points: Floats) -> Floats:
        return np.interp(points, self.points, self.below, left=0.0, right=1.0)


def _curve(feature: Feature) -> _Curve:
    histograms = feature.numeric.histograms if feature.numeric is not None else ()
    buckets = [
        bucket
        for histogram in histograms
        if histogram.type == QUANTILES
        for bucket in histogram.buckets
        if math.isfinite(bucket.low_value) and math.isfinite(bucket.high_value)
    ]
    # The counts are shares of rows, and add up to whole numbers except for rounding.
    rows = round(sum(bucket.sample_count for bucket in buckets))
    if not rows:
        return _Curve(np.empty(0), np.empty(0), 0)
    points = np.array([buckets[0].low_value, *(bucket.high_value for bucket in buckets)])
    below = np.cumsum([0.0, *(bucket.sample_count for bucket in buckets)])
    # A value that fills buckets is a step: its rows are not spread over the values below it.
    rises = np.diff(points) > 0
    first, last = np.append(True, rises), np.append(rises, True)
    points = np.where(last, points, np.nextafter(points, -math.inf))
    return _Curve(points[first | last], below[first | last] / below[-1], rows)


def _bins(below: Floats) -> Floats:
    return np.diff(below, prepend=0.0, append=1.0)
