"""The first and last task of a pipeline on Kubeflow: they write the run record and the outcome."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.lineage.records import RunRecords
from evergreen.lineage.run_artifacts import RunReading
from evergreen.planning.identity import not_covered
from evergreen.planning.planner import Planner
from evergreen.running.conclusion import conclude, end, tell_servers
from evergreen.runs.plan import Outcome, Request, RunRecord
from evergreen.settings import Settings

log = logging.getLogger("evergreen")


def overrides_of(hyperparameters: Mapping[str, Any], pipeline_root: str) -> tuple[str, ...]:
    """Returns the changes of a run to the settings, as `section.key=value`."""
    changed = [
        f"model.hyperparameters.{name}={json.dumps(value)}"
        for name, value in sorted(hyperparameters.items())
    ]
    return (*changed, *([f"pipeline.root={pipeline_root}"] if pipeline_root else []))


def start(
    settings: Settings, store: MetadataStore, request: Request, *, run_id: str, job: str
) -> RunRecord:
    """Plans a run, or takes over one planned elsewhere; a second attempt finds the first's run.

    Args:
        settings: The settings of the run.
        store: The metadata store.
        request: The request, if there is no run yet.
        run_id: A run that was planned elsewhere, or died; may be empty.
        job: Kubeflow's id for the run.

    Raises:
        EvergreenError: If the run has ended.
        DataError: If requested spans do not exist.
    """
    records = RunRecords(store)
    if found := records.latest(job=job):
        return found
    if not run_id:
        for place in not_covered(settings):
            log.warning("not part of what the cache knows: %s", place)
        return Planner(settings, store).plan(request, job)
    record = records.get(run_id)
    if not record.can_go_on:
        raise EvergreenError(
            f"run {run_id} has ended: {record.outcome}.",
            hint="Start a new one: leave the parameter `run` empty.",
        )
    record = Planner(settings, store).again(record).taken_up().model_copy(update={"job": job})
    records.update(record)
    return record


def finish(settings: Settings, store: MetadataStore, record: RunRecord) -> RunRecord:
    """Publishes the outcome of a run.

    Raises:
        EvergreenError: If the pushed model cannot be registered; the run has failed then.
    """
    try:
        outcome = conclude(settings, store, record)
    except EvergreenError:
        end(settings, store, record.run_id, Outcome.FAILED)
        raise
    record = end(settings, store, record.run_id, outcome)
    log.info("run %s: %s", record.run_id, outcome)
    if outcome is Outcome.PUSHED:
        log.info("%s", tell_servers(settings, store))
    for name, part in RunReading(store, record).parts.items():
        for node in part.nodes.values():
            if not node.succeeded:
                log.error("%s: %s: %s %s", name, node.node_id, node.state, node.error)
    return record
