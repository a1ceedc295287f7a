"""Stops a run that is carried out elsewhere."""

import time

from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.records import RunRecords
from evergreen.running.conclusion import end
from evergreen.running.handover import POLL_SECONDS, newest
from evergreen.running.orchestrator import Progress, RemoteOrchestrator, chosen
from evergreen.running.resumption import CannotGoOnError
from evergreen.runs.plan import Outcome, RunRecord
from evergreen.settings import Settings


def stop(settings: Settings, store: MetadataStore, run_id: str) -> RunRecord:
    """Stops a remote run, and waits until nothing works on it.

    Args:
        settings: The settings of the run.
        store: The metadata store.
        run_id: The run.

    Returns:
        The record: of an interrupted run, which can be resumed, or of one that ended meanwhile.

    Raises:
        CannotGoOnError: If the run has ended, or does not run elsewhere.
        EvergreenError: If the orchestrator refuses, or does not answer. The run goes on.
    """
    records = RunRecords(store)
    record = records.get(run_id)
    if record.outcome:
        raise CannotGoOnError(f"run {run_id} has ended: {record.outcome}.")
    orchestrator = chosen(settings)
    if not isinstance(orchestrator, RemoteOrchestrator):
        raise CannotGoOnError(
            f"run {run_id} is carried out by the process that started it, not elsewhere.",
            hint="Press Ctrl-C there, or send it SIGTERM.",
        )
    attempt, goes_on = newest(orchestrator, record)
    # First of all, so that whoever follows the run does not take its end for a failure.
    ended = end(settings, store, run_id, Outcome.INTERRUPTED)
    if goes_on:
        try:
            orchestrator.stop(record, attempt)
        except Exception:
            records.update(record)
            raise
        while orchestrator.progress(record, attempt) is Progress.GOES_ON:
            time.sleep(POLL_SECONDS)
        ended = records.get(run_id)
        if ended.outcome in (None, Outcome.INTERRUPTED):  # its nodes went on until now
            ended = end(settings, store, run_id, Outcome.INTERRUPTED)
    return ended
