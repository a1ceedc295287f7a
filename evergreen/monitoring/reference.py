"""The sources of a served model, found by its lineage: training statistics, evaluation, age."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import DataError
from evergreen.evaluation.metrics import Counts, compute, unpack
from evergreen.lineage.artifacts import blessed_statistics
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import RunReading
from evergreen.lineage.stages import RegistryError, model
from evergreen.monitoring.answered import Answered, Classes, Scores, Values
from evergreen.monitoring.form import Form
from evergreen.quality.artifacts import load_statistics
from evergreen.runs.plan import ModelRef, RunRecord
from evergreen.runs.reports.model import ALL_ROWS, ModelReport
from evergreen.settings.task import Task
from evergreen.spans.manifest import MANIFEST_NAME, read_manifest

SPLIT = "train"


@dataclass(frozen=True)
class Reference:
    """The reference that live traffic is compared with.

    Attributes:
        model: The version.
        run_id: The run that made it; empty if the registry does not know.
        statistics: `DatasetFeatureStatistics` of the train splits of its spans.
        statistics_ids: The ids of their artifacts.
        evaluation: The model gate's report; None if it is gone.
        newest: The end of its newest training data; None if the span is gone, or has no times.
    """

    model: ModelRef
    run_id: str
    statistics: tuple[Any, ...] = ()
    statistics_ids: tuple[int, ...] = ()
    evaluation: ModelReport | None = None
    newest: datetime | None = None

    @property
    def scores(self) -> Counts | None:
        """Returns `ModelReport.scores`, shape [2, BINS]."""
        if self.evaluation is None or self.evaluation.scores is None:
            return None
        return unpack(self.evaluation.scores)

    def answered(self, form: Form) -> Answered | None:
        """Returns what it answered at its evaluation; None if unknown."""
        if form.task is Task.BINARY:
            return None if self.scores is None else Scores(self.scores.sum(axis=0))
        curves = self.evaluation.curves.get("candidate") if self.evaluation else None
        if curves and curves.joint:
            return Values.of(curves.joint.edges, np.sum(curves.joint.counts, axis=0))
        if curves and curves.confusion:
            predicted = sum(map(Counter, curves.confusion.values()), Counter())
            counts = np.array([predicted[name] for name in form.classes])
            tops = None if self.scores is None else self.scores.sum(axis=0)
            return Classes(form.classes, counts, tops)
        return None

    def metric(self, metric: str, part: str) -> float | None:
        """Returns a metric at its evaluation, on all rows or a slice; None if unknown."""
        if part == ALL_ROWS and self.evaluation and self.evaluation.task is not Task.BINARY:
            return self.evaluation.candidate.get(metric)
        if part == ALL_ROWS:
            return None if self.scores is None else compute(self.scores, metric)
        slices = self.evaluation.slices if self.evaluation else ()
        found = next(
            (scores.candidate.known.get(metric) for scores in slices if scores.name == part), None
        )
        return found.value if found else None


def find(store: MetadataStore, name: str, version: int | None = None) -> Reference:
    """Finds the sources of a version.

    Args:
        store: The metadata store.
        name: The model's name.
        version: The version; None for the serving one.

    Raises:
        RegistryError: If nothing serves, or there is no such version.
    """
    registry = Registry(store, name)
    found = registry.serving() if version is None else model(registry.events(), version)
    if found is None:
        raise RegistryError(
            f"model {name}: nothing is serving, so there is nothing to monitor.",
            hint="Push a model: evergreen run; or name one: evergreen monitor --version N",
        )
    run_id = registry.registration(found).evidence.get("run", "")
    if not run_id:
        return Reference(found, run_id)
    record = RunRecords(store).get(run_id)
    ids = [blessed_statistics(store, span.ingest_key) for span in record.window]
    statistics = {
        id_: loaded for id_ in ids if id_ is not None and (loaded := _load(store, id_)) is not None
    }
    return Reference(
        model=found,
        run_id=run_id,
        statistics=tuple(statistics.values()),
        statistics_ids=tuple(statistics),
        evaluation=RunReading(store, record).report(ModelReport),
        newest=_newest(record),
    )


def _load(store: MetadataStore, artifact_id: int) -> Any:
    [artifact] = store.get_artifacts_by_id([artifact_id])
    return load_statistics(Path(artifact.uri), SPLIT)


def _newest(record: RunRecord) -> datetime | None:
    ends = []
    for span in record.window:
        try:
            manifest = read_manifest(span.path / MANIFEST_NAME)
        except DataError:  # the span was removed; monitor() notes it
            return None
        if interval := manifest.time_range or manifest.period:
            ends.append(interval.end)
    return max(ends, default=None)
