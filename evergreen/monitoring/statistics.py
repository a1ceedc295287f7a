"""Statistics of live traffic by TFDV, and distances between distributions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

# isort: off
import tfx  # noqa: F401 - puts a stand-in where TFDV 1.16 misses a module of tfx-bsl 1.21
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl

# isort: on
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, ncx2, norm
from tensorflow_metadata.proto.v0 import statistics_pb2

from evergreen.components.data_gate.merging import counts

Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
Dataset: TypeAlias = statistics_pb2.DatasetFeatureStatistics
Floats = NDArray[np.float64]
QUANTILES = statistics_pb2.Histogram.QUANTILES
BINS = 10


@dataclass(frozen=True)
class Distance:
    """How far two distributions are apart.

    Attributes:
        value: The distance.
        least: What is left of it without noise, at the level that was asked for.
        detail: What changed, in words.
    """

    value: float
    least: float
    detail: str


def of_batch(features: pa.Table) -> dict[str, Feature]:
    """Returns the statistics of a batch's features by name."""
    columns = {
        name: _as_lists(column.combine_chunks())
        for name, column in zip(features.column_names, features.columns, strict=True)
        if not pa.types.is_nested(column.type) and not pa.types.is_boolean(column.type)
    }
    batch = pa.RecordBatch.from_pydict(columns)
    found = stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())
    return {".".join(one.path.step): one for one in found.datasets[0].features}


def _as_lists(column: pa.Array) -> pa.Array:
    """TFX's form: a list for each row, null where there is no value."""
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float32())
    valid = column.is_valid()
    offsets = np.concatenate([[0], np.cumsum(valid.to_numpy(zero_copy_only=False))])
    starts = pa.array(
        offsets, pa.int32(), mask=np.append(~valid.to_numpy(zero_copy_only=False), False)
    )
    return pa.ListArray.from_arrays(starts, column.drop_null())


def distance(before: Sequence[Feature], after: Sequence[Feature], level: float) -> Distance | None:
    """Returns how far a feature's values are apart; None without values, or of another kind.

    Args:
        before: Statistics of parts of what was.
        after: Statistics of parts of what is.
        level: Chance that `least` is above the distance there is.
    """
    sizes = [sum(_common(one).tot_num_values for one in side) for side in (before, after)]
    if min(sizes) == 0 or len({one.WhichOneof("stats") for one in (*before, *after)}) > 1:
        return None
    if before[0].HasField("num_stats"):
        return _of_numbers(before, after, sizes, level)
    return _of_text(before, after, sizes, level)


def missing(before: Sequence[Feature], after: Sequence[Feature], level: float) -> Distance:
    """Returns the change of the share of rows without a value. Arguments as of `distance`."""
    shares, rows = [], []
    for side in (before, after):
        empty = sum(_common(one).num_missing for one in side)
        total = empty + sum(_common(one).num_non_missing for one in side)
        shares.append(empty / max(total, 1))
        rows.append(max(total, 1))
    change = abs(shares[1] - shares[0])
    least = max(change - _error(shares, rows, level), 0.0)
    return Distance(change, least, f"missing went from {shares[0]:.1%} to {shares[1]:.1%} of rows")


def _common(feature: Feature) -> statistics_pb2.CommonStatistics:
    kind = feature.WhichOneof("stats")
    return getattr(feature, kind).common_stats


def _of_text(
    before: Sequence[Feature], after: Sequence[Feature], sizes: list[int], level: float
) -> Distance:
    old, new = (
        sum((counts(one) for one in side), start=counts(side[0]).__class__())
        for side in (before, after)
    )
    value = max(old | new, key=lambda one: abs(new[one] / sizes[1] - old[one] / sizes[0]))
    shares = [old[value] / sizes[0], new[value] / sizes[1]]
    change = abs(shares[1] - shares[0])
    # The largest of many changes: the level is shared by all values.
    least = max(change - _error(shares, sizes, level / max(len(old | new), 1)), 0.0)
    return Distance(change, least, f"{value} went from {shares[0]:.1%} to {shares[1]:.1%}")


def _error(shares: Sequence[float], sizes: Sequence[int], level: float) -> float:
    """The normal approximation of the error of a difference of two shares."""
    variance = sum(p * (1 - p) / n for p, n in zip(shares, sizes, strict=True))
    return float(norm.ppf(1 - level)) * math.sqrt(variance)


def _of_numbers(
    before: Sequence[Feature], after: Sequence[Feature], sizes: list[int], level: float
) -> Distance:
    edges = _deciles(before)
    p, q = _shares(before, edges), _shares(after, edges)
    divergence = float(np.nan_to_num(jensenshannon(p, q, base=2))) ** 2
    scale = sum(1 / size for size in sizes) / (8 * math.log(2))
    least = scale * _noncentrality(divergence / scale, max(len(edges), 1), level)
    old, new = (
        np.average([one.num_stats.mean for one in side], weights=_weights(side))
        for side in (before, after)
    )
    return Distance(divergence, least, f"the mean went from {old:.5g} to {new:.5g}")


def _noncentrality(value: float, freedom: int, level: float) -> float:
    """The least noncentrality that makes a chi-square of at least that value likely enough.

    A divergence, over its scale, is about noncentral chi-square: central without any difference.
    """
    if chi2.sf(value, freedom) >= level:
        return 0.0
    return float(brentq(lambda least: ncx2.sf(value, freedom, least) - level, 1e-9, value))


def _weights(side: Sequence[Feature]) -> list[int]:
    return [_common(one).tot_num_values for one in side]


def _points(side: Iterable[Feature]) -> tuple[Floats, Floats, Floats]:
    """Buckets of the quantile histograms: low, high, count."""
    found = [
        (bucket.low_value, bucket.high_value, bucket.sample_count)
        for feature in side
        for histogram in feature.num_stats.histograms
        if histogram.type == QUANTILES
        for bucket in histogram.buckets
    ]
    low, high, size = np.array(found, np.float64).T
    return low, high, size


def _below(side: Sequence[Feature], at: Floats) -> Floats:
    """How many values are at most `at`, spread evenly in each bucket; shape of `at`."""
    low, high, size = _points(side)
    width = np.where(high > low, high - low, 1.0)
    inside = np.clip((at[:, None] - low) / width, 0, 1)
    steps = np.where(high > low, inside, at[:, None] >= low)
    return steps @ size


def _deciles(side: Sequence[Feature]) -> Floats:
    """Boundaries with about a tenth of the values between each two, without repetitions."""
    low, high, _ = _points(side)
    grid = np.unique(np.concatenate([low, high]))
    shares = _below(side, grid)
    wanted = np.linspace(0, shares[-1], BINS + 1)[1:-1]
    return np.unique(np.interp(wanted, shares, grid))


def _shares(side: Sequence[Feature], edges: Floats) -> Floats:
    below = _below(side, np.append(edges, np.inf))
    return np.diff(below, prepend=0.0) / below[-1]
