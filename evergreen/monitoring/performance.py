"""Performance: predictions compared with late labels, overall and by slice."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from evergreen.evaluation import tfma
from evergreen.evaluation.metrics import BINS, Counts, histogram, measure, why_undefined
from evergreen.evaluation.slices import MOST, most_frequent, parts
from evergreen.monitoring.reference import Reference
from evergreen.monitoring.results import Kind, TrafficFinding
from evergreen.quality.names import clipped
from evergreen.runs.reports.model import ALL_ROWS
from evergreen.settings.monitoring import HIGHER_IS_BETTER, TFMA, MetricRule, MonitoringSettings
from evergreen.settings.slicing import Slicing

Floats = NDArray[np.float64]
SHOWN = 5


@dataclass
class Labelled:
    """Predictions with labels, accumulated batch by batch.

    Attributes:
        slicings: The ways to slice them.
        counts: Rows by label and bin of the score, for all rows and each slice.
        rows: Predictions, with labels or without.
        delay: Sum of the labels' delays, in seconds.
        longest: The longest of them.
        cut: Features with more values than are kept.
    """

    slicings: Sequence[Slicing]
    counts: dict[str, Counts] = field(default_factory=dict)
    rows: int = 0
    delay: float = 0.0
    longest: float = 0.0
    cut: set[str] = field(default_factory=set)

    def add(
        self, labels: Floats, scores: Floats, delays: Floats, columns: Mapping[str, pa.Array]
    ) -> None:
        """Adds a batch.

        Args:
            labels: 0 or 1, NaN without a label, shape [n].
            scores: Probabilities, NaN without one, shape [n].
            delays: The labels' delays, in seconds, shape [n].
            columns: The features to slice by, shape [n].
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
            if _is_by_value(slicing) and pc.count_distinct(column, mode="all").as_py() > MOST:
                self.cut.add(slicing.feature)
            for name, mask in masks(slicing, column):
                self._count(name, labels[known][mask], scores[known][mask])
            self._forget(slicing)

    @property
    def labelled(self) -> int:
        """The number of predictions with labels."""
        return int(self.counts[ALL_ROWS].sum()) if self.counts else 0

    def _count(self, name: str, labels: Floats, scores: Floats) -> None:
        counts = self.counts.setdefault(name, np.zeros((2, BINS), np.int64))
        counts += histogram(labels, scores)

    def _forget(self, slicing: Slicing) -> None:
        """Keeps the most frequent of many slices, since clients can make up values."""
        parts = [name for name in self.counts if name.startswith(f"{slicing.feature} ")]
        if len(parts) <= MOST:
            return
        self.cut.add(slicing.feature)
        ranked = sorted(parts, key=lambda name: -int(self.counts[name].sum()))
        for name in ranked[MOST:]:
            del self.counts[name]


def masks(slicing: Slicing, column: pa.Array) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yields the slices of a column, as name and mask of shape [n], reading each value once.

    Of many values, only the most frequent ones have a slice.
    """
    encoded = column.dictionary_encode()
    places = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    counts = np.bincount(places, minlength=len(encoded.dictionary) + 1)
    kept = np.flatnonzero(counts)
    if _is_by_value(slicing):
        kept = kept[most_frequent(counts[kept])]
    values = pa.concat_arrays([encoded.dictionary, pa.nulls(1, column.type)]).take(pa.array(kept))
    place_of = np.full(len(counts), len(kept))
    place_of[kept] = np.arange(len(kept))
    plain = [_plain(value) for value in values.to_pylist()]
    for name, mask in parts(slicing, {slicing.feature: plain}):
        yield name, np.append(mask, False)[place_of[places]]


def _is_by_value(slicing: Slicing) -> bool:
    return not slicing.edges and not slicing.known


@dataclass
class Judged:
    """The results of the rules.

    Attributes:
        findings: One for each rule and slice that could be judged.
        notes: What could not be judged, and why.
        unjudged: The rules that could not be judged on all rows, so that they do not hold.
    """

    findings: list[TrafficFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)

    def cannot(self, rule: MetricRule, part: str, why: str) -> None:
        """Notes that a rule cannot be judged on a slice."""
        on = "" if part == ALL_ROWS else f" on {part.replace(' ', '=', 1)}"
        self.notes.append(f"{rule.title}{on}: {why}")
        if part == ALL_ROWS and rule.title not in self.unjudged:
            self.unjudged.append(rule.title)


def judge(settings: MonitoringSettings, labelled: Labelled, reference: Reference) -> Judged:
    """Compares metrics with their limits; fires if the whole interval is beyond."""
    judged, rules = Judged(), settings.performance.metrics
    enough = _enough(settings, labelled, judged)
    cases = [
        (name, counts, rule, *limit)
        for name, counts in enough.items()
        for rule in rules
        for limit in _limits(rule, name, reference, judged)
    ]
    level = 1 - (1 - settings.confidence) / max(len(cases), 1)
    by_tfma = tfma.taken(enough, [rule for rule in rules if rule.is_tfma])
    for name, counts, rule, limit, sign in cases:
        if rule.is_tfma:
            values = by_tfma[name, rule.title]
            value, interval = float(values[0]), tfma.interval(values, level)
        else:
            value, interval = measure(counts, rule.metric, settings.performance.resamples, level)
        if why := _undefined(rule.metric, counts, value, interval):
            judged.cannot(rule, name, why)
        else:
            rows = int(counts.sum())
            judged.findings.append(_finding(name, rows, rule, limit, sign, value, interval))
    judged.notes = list(dict.fromkeys(judged.notes))
    return judged


def _enough(settings: MonitoringSettings, labelled: Labelled, judged: Judged) -> dict[str, Counts]:
    """Returns the slices with enough labels; notes the others."""
    if settings.labels.folder is None:
        return {}
    if labelled.labelled < settings.labels.min_rows:
        least = settings.labels.min_rows
        judged.notes.append(f"too few labels to judge: {labelled.labelled:,} of {least:,}")
        judged.unjudged += [rule.title for rule in settings.performance.metrics]
        return {}
    found, small = {ALL_ROWS: labelled.counts[ALL_ROWS]}, []
    for name, counts in labelled.counts.items():
        if counts.sum() >= settings.labels.min_rows:
            found[name] = counts
        else:
            small.append(name)
    if small:
        more = f" and {len(small) - SHOWN:,} others" if len(small) > SHOWN else ""
        judged.notes.append(f"too few labels to judge: {', '.join(sorted(small)[:SHOWN])}{more}")
    judged.notes += [
        f"{feature} has more than {MOST} values: the rarer ones are not judged on their own"
        for feature in sorted(labelled.cut)
    ]
    return found


def _undefined(metric: str, counts: Counts, value: float, interval: tuple[float, float]) -> str:
    """Returns why a metric cannot be judged; empty if it can."""
    negatives, positives = (int(count) for count in counts.sum(axis=1))
    if why := why_undefined(metric.removeprefix(TFMA), negatives, positives, value):
        return why
    if not all(map(math.isfinite, interval)):
        return f"not defined on parts of the rows, {positives:,} of {counts.sum():,} labels are 1"
    return ""


def _limits(
    rule: MetricRule, name: str, reference: Reference, judged: Judged
) -> Iterator[tuple[float, int]]:
    """Yields limits, with the side that is beyond: 1 above, -1 below."""
    if rule.at_most is not None:
        yield rule.at_most, 1
    if rule.at_least is not None:
        yield rule.at_least, -1
    if rule.worse_by is None:
        return
    before = reference.metric(rule.metric, name)
    sign = -1 if rule.metric in HIGHER_IS_BETTER else 1
    if before is not None and math.isfinite(before):
        yield before + sign * rule.worse_by, sign
    elif name == ALL_ROWS:
        judged.cannot(rule, name, "what it was at the model's evaluation is not known")


def _finding(
    name: str,
    rows: int,
    rule: MetricRule,
    limit: float,
    sign: int,
    value: float,
    interval: tuple[float, float],
) -> TrafficFinding:
    nearest = interval[0] if sign > 0 else interval[1]
    asked = f"at {'most' if sign > 0 else 'least'} {limit:.4g}"
    since = f" ({rule.worse_by:g} worse than at evaluation)" if rule.worse_by is not None else ""
    return TrafficFinding(
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
    return clipped(value.decode(errors="replace")) if isinstance(value, bytes) else value
