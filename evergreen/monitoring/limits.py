"""Compares the traffic with its limits: findings, and notes on what is unknown."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from evergreen.evaluation.distances import Distance, distances
from evergreen.monitoring.form import Form
from evergreen.monitoring.labelled import Labelled
from evergreen.monitoring.reference import Reference
from evergreen.monitoring.results import Kind, TrafficFinding
from evergreen.monitoring.traffic import Traffic
from evergreen.quality.statistics import Feature, features
from evergreen.settings.monitoring import DistanceSettings, MonitoringSettings
from evergreen.settings.task import Task
from evergreen.texts import many, visible

Judged = tuple[list[TrafficFinding], list[str]]
DAY = timedelta(days=1)
WHAT = {Task.BINARY: "scores", Task.MULTICLASS: "classes", Task.REGRESSION: "values"}


def amount(every: int, traffic: Traffic, settings: MonitoringSettings) -> Judged:
    """Judges the amount of traffic of all versions, since a new one has little at first."""
    finding = TrafficFinding(
        kind=Kind.TRAFFIC,
        name="predictions",
        value=every,
        threshold=settings.min_rows,
        fired=every < settings.min_rows,
        rows=every,
        detail=f"{every:,} predictions, at least {settings.min_rows:,} are needed",
    )
    notes = []
    if traffic.rows < settings.min_rows:
        notes.append(f"the version made {traffic.rows:,} predictions only: nothing is compared")
    if traffic.unreadable:
        rows = many(traffic.unreadable, "row")
        notes.append(
            f"{rows} left out: their features in the log are no JSON object, or beyond 4 MiB"
        )
    return [finding], notes


def coverage(labelled: Labelled, settings: MonitoringSettings) -> Judged:
    """Judges how many predictions have labels, and how late these came."""
    if settings.labels.folder is None or not labelled.rows:
        return [], []
    share = labelled.labelled / labelled.rows
    late = ""
    if labelled.labelled:
        mean, longest = labelled.delay / labelled.labelled, labelled.longest
        late = f", {mean / 86400:.1f} days late on average, {longest / 86400:.1f} at most"
    days = settings.labels.lookback_days
    older = f" of the window and the {days:g} days before it" if days else ""
    finding = TrafficFinding(
        kind=Kind.TRAFFIC,
        name="labels",
        value=share,
        threshold=settings.labels.min_coverage,
        fired=share < settings.labels.min_coverage,
        rows=labelled.rows,
        detail=f"{labelled.labelled:,} of {labelled.rows:,} predictions{older} have labels{late}",
    )
    return [finding], []


def age(reference: Reference, now: datetime, settings: MonitoringSettings) -> Judged:
    """Judges the age of the newest training data."""
    if settings.max_age_days is None:
        return [], []
    if reference.newest is None:
        return [], ["staleness: the spans that the model was trained on are gone, or have no times"]
    days = (now - reference.newest) / DAY
    finding = TrafficFinding(
        kind=Kind.STALENESS,
        name="training data",
        value=days,
        threshold=settings.max_age_days,
        fired=days > settings.max_age_days,
        detail=f"the newest training data is of {reference.newest:%Y-%m-%d}, {days:,.0f} days old",
    )
    return [finding], []


def drift(before: Traffic, now: Traffic, settings: MonitoringSettings) -> Judged:
    """Compares live traffic with the previous window."""
    if before.rows < settings.min_rows:
        return [], [f"drift: the window before has {before.rows:,} predictions only"]
    return _moved(Kind.DRIFT, [_features(before)], now, settings.drift, settings.confidence), []


def skew(reference: Reference, now: Traffic, settings: MonitoringSettings) -> Judged:
    """Compares live traffic with the training data."""
    if not reference.statistics:
        return [], ["skew: the statistics of the training data are gone"]
    trained = [features(statistic) for statistic in reference.statistics]
    return _moved(Kind.SKEW, trained, now, settings.skew, settings.confidence), []


def predictions(
    form: Form, reference: Reference, before: Traffic, now: Traffic, settings: MonitoringSettings
) -> Judged:
    """Compares the model's answers with those at evaluation, and in the previous window."""
    sides = {"evaluation": reference.answered(form), "the window before": before.answers}
    found, notes = [], []
    level = 1 - (1 - settings.confidence) / len(sides)
    for since, earlier in sides.items():
        if earlier is None or earlier.rows < settings.min_rows or not now.answers.rows:
            notes.append(f"prediction drift: no {WHAT[form.task]} since {since}")
            continue
        for what, distance in now.answers.distances(earlier, level).items():
            name = f"{what} since {since}"
            found.append(_finding(Kind.PREDICTIONS, name, distance, settings.predictions, now.rows))
    if others := now.rows - now.answers.rows:
        notes.append(f"{others:,} predictions have no {form}")
    return found, notes


def _moved(
    kind: Kind,
    before: Sequence[Mapping[str, Feature]],
    now: Traffic,
    limits: DistanceSettings,
    confidence: float,
) -> list[TrafficFinding]:
    live = _features(now)
    level = 1 - (1 - confidence) / max(len(live), 1)
    return [
        _finding(kind, name, distance, limits.limit(name, distance.is_text), now.rows)
        for name, distance in distances(before, live, level).items()
    ]


def _finding(kind: Kind, name: str, distance: Distance, limit: float, rows: int) -> TrafficFinding:
    return TrafficFinding(
        kind=kind,
        name=name,
        value=distance.value,
        threshold=limit,
        fired=distance.interval[0] > limit,
        interval=distance.interval,
        rows=rows,
        detail=visible(distance.detail),
    )


def _features(traffic: Traffic) -> dict[str, Feature]:
    return features(traffic.statistics.datasets[0])
