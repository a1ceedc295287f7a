"""Observes and judges a model version in a window of time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import SettingsError
from evergreen.monitoring import limits
from evergreen.monitoring.columns import Features, Floats, Missing, features
from evergreen.monitoring.form import Form
from evergreen.monitoring.labelled import Labelled
from evergreen.monitoring.labels import Labels
from evergreen.monitoring.left_out import LeftOut
from evergreen.monitoring.log import Log
from evergreen.monitoring.performance import Judged, judge
from evergreen.monitoring.reference import Reference, find
from evergreen.monitoring.results import MonitoringResult, TrafficFinding, Window
from evergreen.monitoring.traffic import COLUMNS, Look, Read, Traffic, observe
from evergreen.monitoring.validity import Expected, validate
from evergreen.settings import Settings
from evergreen.texts import many


@dataclass(frozen=True)
class Seen:
    """The observations of a version in a window.

    Attributes:
        window: The window.
        every: The number of predictions by all versions.
        traffic: The version's predictions.
        before: The predictions of all versions in the previous window.
        labelled: The version's predictions with labels, in the window and some time before.
        labels: The number of predictions in the window that have labels.
        reference: The reference for comparisons.
        notes: What could not be read of log and labels.
    """

    window: Window
    every: int
    traffic: Traffic
    before: Traffic
    labelled: Labelled
    labels: int
    reference: Reference
    notes: list[str]


class Eyes:
    """Observes and judges windows of the log of one project.

    Args:
        settings: The project's settings.

    Raises:
        SettingsError: If there is no log, or a feature is unknown.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.gateway.log.folder is None:
            raise SettingsError(
                "gateway.log.folder is not set: there is no log of predictions to look at.",
                hint="Set it, for the gateway and for monitoring.",
            )
        self._settings = settings.monitoring
        self._project = settings
        self._expected = Expected.of(settings)
        self._missing = Missing(self._settings.missing_integer, self._settings.missing_text)
        self._left_out = LeftOut("labels")
        self._log = Log(settings.gateway.log.folder, settings.model.name)

    def see(self, window: Window, now: datetime, reference: Reference) -> Seen:
        """Reads the log: the window, the previous one, and older predictions with labels."""
        version, form = reference.model.version, Form.of(self._project, reference.evaluation)
        back = timedelta(days=self._settings.labels.lookback_days)
        older = Window(start=window.start - back, end=window.start)
        performance = self._settings.performance
        labelled = Labelled(performance.slices, form, performance.rules(form.task))
        known = self._labels(older, now, form)
        join = partial(_join, known, labelled)
        traffic = self._observe(form, window, version, join)
        labels = labelled.labelled
        if back:
            self._look_back(form, older, version, join)
        length = window.end - window.start
        before = self._observe(form, Window(start=window.start - length, end=window.start), None)
        every = self._log.count(window)
        notes = [*self._log.left_out.notes, *self._left_out.notes, *_strays(known, labelled)]
        return Seen(window, every, traffic, before, labelled, labels, reference, notes)

    def judge(self, seen: Seen, now: datetime) -> Judged:
        """Compares the observations with the settings."""
        settings, traffic = self._settings, seen.traffic
        performance = judge(settings, seen.labelled, seen.reference)
        judged = [
            limits.amount(seen.every, traffic, settings),
            limits.coverage(seen.labelled, settings),
            limits.age(seen.reference, now, settings),
            (performance.findings, performance.notes),
        ]
        if traffic.rows >= settings.min_rows:
            judged += [
                (self._invalid(seen), []),
                limits.drift(seen.before, traffic, settings),
                limits.skew(seen.reference, traffic, settings),
                limits.predictions(
                    seen.labelled.form, seen.reference, seen.before, traffic, settings
                ),
            ]
        findings = [finding for found, _ in judged for finding in found]
        notes = [*seen.notes, *(note for _, notes in judged for note in notes)]
        return Judged(findings, notes, performance.unjudged)

    def _labels(self, older: Window, now: datetime, form: Form) -> Labels:
        folder = self._settings.labels.folder
        if folder is None:
            return Labels.none()
        return Labels.load(folder, older.start, now, self._left_out, form.parse)

    def _observe(
        self, form: Form, window: Window, version: int | None, look: Look | None = None
    ) -> Traffic:
        return observe(self._read(window, version), form, look)

    def _look_back(self, form: Form, older: Window, version: int, look: Look) -> None:
        for batch, found in self._read(older, version):
            look(batch, found, form.read(batch["outputs"]))

    def _read(self, window: Window, version: int | None) -> Iterator[Read]:
        expected = self._expected
        for batch in self._log.read(window, COLUMNS, version):
            yield features(batch, expected.kinds, self._missing, expected.known)

    def _invalid(self, seen: Seen) -> list[TrafficFinding]:
        settings, rows = self._settings, seen.traffic.rows
        level = 1 - (1 - settings.confidence) / len(self._expected.kinds)
        found = validate(
            seen.traffic.statistics,
            self._expected.schema,
            self._columns(seen.window, seen.reference.model.version),
            settings.invalid,
            level,
        )
        return found + seen.traffic.violations.findings(rows, settings.invalid, level)

    def _columns(self, window: Window, version: int) -> Iterator[Mapping[str, pa.Array]]:
        return (read.columns for _, read in self._read(window, version))


def _strays(labels: Labels, labelled: Labelled) -> list[str]:
    """Describes labels whose requests do not match the log."""
    notes = []
    if labels.repeated:
        rows = many(labels.repeated, "prediction")
        notes.append(f"{rows} left out of performance: their request ids and rows came before")
    if len(labels.keys) and not labelled.labelled:
        count = many(len(labels.keys), "label")
        notes.append(f"{count}, none of a prediction in the log: request_id and row must be its")
    return notes


def look(
    settings: Settings,
    store: MetadataStore,
    window: Window,
    now: datetime,
    version: int | None = None,
) -> tuple[MonitoringResult, Seen]:
    """Monitors a window without writing anything. Arguments and errors as for `monitor`."""
    eyes = Eyes(settings)
    reference = find(store, settings.model.name, version)
    seen = eyes.see(window, now, reference)
    judged = eyes.judge(seen, now)
    result = MonitoringResult(
        model=settings.model.name,
        version=reference.model.version,
        window=window,
        created=now,
        rows=seen.traffic.rows,
        labelled=seen.labels,
        findings=tuple(judged.findings),
        notes=tuple(judged.notes),
        unjudged=tuple(judged.unjudged),
    )
    return result, seen


def _join(
    labels: Labels, labelled: Labelled, batch: pa.RecordBatch, read: Features, answers: Floats
) -> None:
    """Adds the predictions of a batch that have labels."""
    values, known = labels.join(batch["request_id"], batch["row"])
    times = batch["time"].cast(pa.int64()).to_numpy() / 1e6
    labelled.add(values, answers, np.maximum(known - times, 0), read.columns)
