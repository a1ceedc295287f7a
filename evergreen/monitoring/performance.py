"""Performance: what the model says against labels that came late, overall and by slice."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from evergreen.components.model_gate.criteria import Slicing
from evergreen.components.model_gate.judging import ALL_ROWS
from evergreen.components.model_gate.scores import BINS, Counts, histogram
from evergreen.components.model_gate.slicing import parts
from evergreen.monitoring import tfma
from evergreen.monitoring.findings import Finding, Kind
from evergreen.monitoring.metrics import measure
from evergreen.monitoring.reference import Reference
from evergreen.settings.monitoring import HIGHER_IS_BETTER, MetricRule, MonitoringSettings

Floats = NDArray[np.float64]


@dataclass
class Labelled:
    """Predictions with labels, added up batch by batch.

    Attributes:
        slicings: How to cut them.
        counts: Rows by label and bin of the score, for all rows and each part.
        rows: Predictions, with labels or without.
        delay: Sum of the labels' delays, in seconds.
        longest: The longest of them.
    """

    slicings: Sequence[Slicing]
    counts: dict[str, Counts] = field(default_factory=dict)
    rows: int = 0
    delay: float = 0.0
    longest: float = 0.0

    def add(
        self, labels: Floats, scores: Floats, delays: Floats, columns: Mapping[str, pa.Array]
    ) -> None:
        """Adds a batch.

        Args:
            labels: 0 or 1, NaN where there is none, shape [n].
            scores: Probabilities, NaN where there is none, shape [n].
            delays: Of the labels, in seconds, shape [n].
            columns: Features to cut by, shape [n].
        """
        self.rows += len(labels)
        known = np.isfinite(labels) & np.isfinite(scores)
        if not known.any():
            return
        self.delay += float(delays[known].sum())
        self.longest = max(self.longest, float(delays[known].max()))
        self._count(ALL_ROWS, labels[known], scores[known])
        for slicing in self.slicings:
            column = columns[slicing.feature].filter(pa.array(known))
            for name, mask in masks(slicing, column):
                self._count(name, labels[known][mask], scores[known][mask])

    @property
    def labelled(self) -> int:
        """How many predictions have labels."""
        return int(self.counts[ALL_ROWS].sum()) if self.counts else 0

    def _count(self, name: str, labels: Floats, scores: Floats) -> None:
        counts = self.counts.setdefault(name, np.zeros((2, BINS), np.int64))
        counts += histogram(labels, scores)


def masks(slicing: Slicing, column: pa.Array) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yields the parts of a column's rows, looking at each value once: name, mask of shape [n]."""
    encoded = column.dictionary_encode()
    values = [_plain(value) for value in encoded.dictionary.to_pylist()]
    places = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    for name, mask in parts(slicing, {slicing.feature: [*values, None]}):
        rows = mask[places]
        if rows.any():
            yield name, rows


def judge(
    settings: MonitoringSettings, labelled: Labelled, reference: Reference
) -> tuple[list[Finding], list[str]]:
    """Holds metrics to their limits; fires if the whole interval is beyond.

    Returns:
        The findings, and notes on what could not be judged.
    """
    enough = {
        name: counts
        for name, counts in sorted(labelled.counts.items(), key=lambda one: one[0] != ALL_ROWS)
        if counts.sum() >= settings.labels.min_rows
    }
    cases = [
        (name, counts, *limit)
        for name, counts in enough.items()
        for rule in settings.performance.metrics
        for limit in _limits(rule, name, reference)
    ]
    level = 1 - (1 - settings.confidence) / max(len(cases), 1)
    by_tfma = tfma.taken(enough, [one for one in settings.performance.metrics if one.is_tfma])
    found = []
    for name, counts, rule, limit, sign in cases:
        if rule.is_tfma:
            values = by_tfma[name, rule.title]
            measured = float(values[0]), tfma.interval(values, level)
        else:
            measured = measure(counts, rule.metric, settings.performance.resamples, level)
        found.append(_finding(name, int(counts.sum()), rule, limit, sign, *measured))
    small = [name for name in labelled.counts if name not in enough]
    notes = [f"too few labels to judge: {', '.join(sorted(small))}"] if small else []
    return [one for one in found if one is not None], notes


def _limits(
    rule: MetricRule, name: str, reference: Reference
) -> Iterator[tuple[MetricRule, float, int]]:
    """Limits and the side that is beyond: 1 above, -1 below."""
    if rule.at_most is not None:
        yield rule, rule.at_most, 1
    if rule.at_least is not None:
        yield rule, rule.at_least, -1
    if rule.worse_by is not None:
        before = reference.metric(rule.metric, name)
        sign = -1 if rule.metric in HIGHER_IS_BETTER else 1
        if before is not None:
            yield rule, before + sign * rule.worse_by, sign


def _finding(
    name: str,
    rows: int,
    rule: MetricRule,
    limit: float,
    sign: int,
    value: float,
    interval: tuple[float, float],
) -> Finding | None:
    if not all(map(math.isfinite, (value, *interval))):
        return None
    nearest = interval[0] if sign > 0 else interval[1]
    asked = f"at {'most' if sign > 0 else 'least'} {limit:.4g}"
    since = f" ({rule.worse_by:g} worse than at evaluation)" if rule.worse_by is not None else ""
    return Finding(
        kind=Kind.PERFORMANCE,
        name=rule.title,
        value=value,
        threshold=limit,
        fired=sign * nearest > sign * limit,
        interval=interval,
        slice="" if name == ALL_ROWS else name.replace(" ", "=", 1),
        rows=rows,
        detail=f"{value:.4g}, wanted {asked}{since}",
    )


def _plain(value: bytes | float | None) -> str | float | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
