"""Concludes a run: reads its outcome from ML Metadata, publishes and reports it.

It works the same wherever the nodes ran: in this process, or in containers that are gone.
"""

import logging
from collections.abc import Mapping

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.files.versions import push
from evergreen.lineage.filters import Filter
from evergreen.lineage.nodes import cancel_active
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import PartReader, RunReading
from evergreen.lineage.stages import Stage
from evergreen.running.outcome import gate_report, model_id, pushed, validated_model
from evergreen.runs.nodes import PUSHER
from evergreen.runs.plan import TRAIN, ModelRef, Outcome, Results, RunRecord
from evergreen.runs.reports.data import DataReport
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.report import Report
from evergreen.runs.reports.serving import ServingReport
from evergreen.serving.exposing import expose
from evergreen.settings import Settings

log = logging.getLogger(__name__)


def conclude(settings: Settings, store: MetadataStore, record: RunRecord) -> Outcome:
    """Determines the outcome of a run whose nodes have ended, and registers the pushed model.

    Args:
        settings: The project's settings.
        store: The metadata store.
        record: The run. The results of a failed run are left alone.
    """
    reading = RunReading(store, record)
    for span in record.to_ingest:
        part = reading.parts.get(span.label)
        if part is None or not _passed(part, DataReport):
            refused = part is not None and _ended(part, DataReport.node)
            return Outcome.DATA_REFUSED if refused else Outcome.FAILED
    if not record.request.train:
        return Outcome.INGESTED
    trained = reading.train
    last = ServingReport.node if record.model_version is None else PUSHER
    if trained is None or not (_ended(trained, ModelReport.node) and _ended(trained, last)):
        return Outcome.FAILED
    gates: tuple[tuple[type[Report], Outcome], ...] = (
        (ModelReport, Outcome.MODEL_REFUSED),
        (ServingReport, Outcome.SERVING_REFUSED),
    )
    for gate, outcome in gates:
        if not _passed(trained, gate):
            return outcome
    return _register(settings, store, record, trained)


def tell_servers(settings: Settings, store: MetadataStore) -> str:
    """Makes the model servers load the pushed version; a failure does not undo the push.

    Returns:
        A description of the result, for people.
    """
    try:
        return expose(settings, store)
    except EvergreenError as error:
        return f"the model servers have not followed: {error} next: {error.hint}"


def end(settings: Settings, store: MetadataStore, run_id: str, outcome: Outcome) -> RunRecord:
    """Records the outcome of a run; marks executions that were left running as canceled.

    A run that failed gives its version back, so that the numbers have no gaps; when it is resumed
    it takes one again.
    """
    records = RunRecords(store)
    record = records.get(run_id)
    cancel_active(store, map(record.pipeline_run, record.parts))
    record = record.ended(outcome, _results(RunReading(store, record)))
    gives_back = outcome is Outcome.FAILED and _is_unused(settings, records, record)
    if gives_back:
        record = record.model_copy(update={"model_version": None})
    records.update(record)
    if gives_back:
        Registry(store, settings.model.name).release_version(record.train_key)
    return record


def _is_unused(settings: Settings, records: RunRecords, record: RunRecord) -> bool:
    """Returns whether nothing was pushed as a run's version, and no other run makes it."""
    if record.model_version is None:
        return False
    others = records.newest(Filter.has("train_key", record.train_key))
    busy = any(other.run_id != record.run_id and other.can_go_on for other in others)
    return not busy and not (settings.serving.base_path / str(record.model_version)).exists()


def _results(reading: RunReading) -> Results | None:
    """Returns the figures of a run; None if a file is unreadable, which leaves the outcome."""
    try:
        return results(reading)
    except (EvergreenError, OSError, ValueError, KeyError, TypeError, AttributeError):
        log.exception("run %s: its numbers cannot be read", reading.record.run_id)
        return None


def results(reading: RunReading) -> Results:
    """Returns the figures of a run, as far as it got."""
    metrics: dict[str, Mapping[str, float | None]] = dict(reading.metrics())
    gates: dict[str, bool] = {}
    for label, part in reading.parts.items():
        for kind in (DataReport, ModelReport, ServingReport):
            if report := part.report(kind):
                gates[kind.node if label == TRAIN else f"{kind.node} {label}"] = report.blessed
    if judged := reading.report(ModelReport):
        metrics["test"] = {**judged.candidate, "left_out": float(judged.unlabelled)}
        if judged.baseline:
            metrics["baseline"] = judged.baseline
    return Results(metrics=metrics, gates=gates)


def _ended(part: PartReader, node: str) -> bool:
    return node in part.nodes and part.nodes[node].succeeded


def _passed(part: PartReader, kind: type[Report]) -> bool:
    return _ended(part, kind.node) and gate_report(part, kind).blessed


def _register(
    settings: Settings, store: MetadataStore, record: RunRecord, trained: PartReader
) -> Outcome:
    destination = pushed(trained)
    if destination is None or record.model_version is None:
        return Outcome.EXPERIMENT
    push(validated_model(trained), destination, record.train_key)  # again, if it was removed
    registry = Registry(store, settings.model.name)
    registry.register(
        ModelRef(version=record.model_version, artifact_id=model_id(trained)),
        who=record.request.requested_by,
        why=record.request.reason,
        evidence={
            "run": record.run_id,
            "path": str(destination),
            "metrics": _metrics(gate_report(trained, ModelReport).candidate),
        },
        stage=Stage(settings.registry.later),
    )
    entered = next(
        event for event in registry.events() if event.model.version == record.model_version
    )
    # Who registered it, and not whether it is there: this may be the second attempt to conclude.
    return Outcome.PUSHED if entered.evidence.get("run") == record.run_id else Outcome.UNCHANGED


def _metrics(values: Mapping[str, float | None]) -> str:
    """Returns rounded metrics in a line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items() if value is not None)
