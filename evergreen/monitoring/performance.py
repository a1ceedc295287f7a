"""Performance: predictions compared with late labels, overall and by slice."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from evergreen.evaluation import tfma
from evergreen.evaluation.slices import MOST
from evergreen.monitoring.form import Form
from evergreen.monitoring.labelled import Histogram, Labelled, Scored
from evergreen.monitoring.reference import Reference
from evergreen.monitoring.results import Kind, TrafficFinding
from evergreen.runs.reports.model import ALL_ROWS
from evergreen.settings.monitoring import MetricRule, MonitoringSettings

SHOWN = 5


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
    judged, form, rules = Judged(), labelled.form, labelled.rules
    enough = _enough(settings, labelled, judged)
    cases = [
        (name, scored, rule, *limit)
        for name, scored in enough.items()
        for rule in rules
        for limit in _limits(rule, name, form, reference, judged)
    ]
    level = 1 - (1 - settings.confidence) / max(len(cases), 1)
    histograms = {name: s.counts for name, s in enough.items() if isinstance(s, Histogram)}
    by_tfma = tfma.taken(histograms, [rule for rule in rules if rule.is_tfma])
    for name, scored, rule, limit, sign in cases:
        if rule.is_tfma:
            values = by_tfma[name, rule.title]
            value, interval = float(values[0]), tfma.interval(values, level)
        else:
            value, interval = scored.measure(rule.metric, settings.performance.resamples, level)
        if why := scored.why_undefined(rule.metric, value, interval):
            judged.cannot(rule, name, why)
        else:
            judged.findings.append(_finding(name, scored.rows, rule, limit, sign, value, interval))
    judged.notes = list(dict.fromkeys(judged.notes))
    return judged


def _enough(settings: MonitoringSettings, labelled: Labelled, judged: Judged) -> dict[str, Scored]:
    """Returns the slices with enough labels; notes the others."""
    if settings.labels.folder is None:
        return {}
    if labelled.labelled < settings.labels.min_rows:
        least = settings.labels.min_rows
        judged.notes.append(f"too few labels to judge: {labelled.labelled:,} of {least:,}")
        judged.unjudged += [rule.title for rule in labelled.rules]
        return {}
    found, small = {ALL_ROWS: labelled.slices[ALL_ROWS]}, []
    for name, scored in labelled.slices.items():
        if scored.rows >= settings.labels.min_rows:
            found[name] = scored
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


def _limits(
    rule: MetricRule, name: str, form: Form, reference: Reference, judged: Judged
) -> Iterator[tuple[float, int]]:
    """Yields limits, with the side that is beyond: 1 above, -1 below."""
    if rule.at_most is not None:
        yield rule.at_most, 1
    if rule.at_least is not None:
        yield rule.at_least, -1
    if rule.worse_by is None:
        return
    before = reference.metric(rule.metric, name)
    sign = -rule.better(form.task, form.classes)
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
