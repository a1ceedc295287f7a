"""One run, from the request to its outcome."""

from ml_metadata.metadata_store import MetadataStore
from rich.console import Console

from evergreen.errors import EvergreenError
from evergreen.lineage.nodes import NodeReader, cancel_active
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.lineage.store import connection_config, open_store
from evergreen.orchestrators import base
from evergreen.planning.plan import (
    ModelRef,
    Outcome,
    Plan,
    Request,
    RunRecord,
    train_plan,
)
from evergreen.planning.planner import Planner
from evergreen.pushing import push
from evergreen.running.outcome import RunReader
from evergreen.running.progress import Progress
from evergreen.running.summary import show_plan, show_summary
from evergreen.settings import Settings


class RunFailedError(EvergreenError):
    """A node of the run failed."""


class Run:
    """Runs requests of one project; the console shows them to a person."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        base.find(settings.pipeline.orchestrator)  # a wrong name is refused before anything starts
        self._store: MetadataStore = open_store(settings.metadata)
        self._planner = Planner(settings, self._store)
        self._records = RunRecords(self._store)
        self._started: list[Plan] = []

    def __call__(self, request: Request) -> RunRecord:
        """Plans, runs and records a request.

        Returns:
            The record of the ended run. A gate that refused is an outcome, not an error.

        Raises:
            EvergreenError: If the request cannot be planned, or a node failed.
        """
        record = self._planner.plan(request)
        show_plan(self._console, record)
        ended = Outcome.INTERRUPTED
        try:
            ended = self._execute(record)
        except Exception:
            ended = Outcome.FAILED
            raise
        finally:
            cancel_active(self._store, [plan.pipeline_run for plan in self._started])
            record = self._records.get(record.run_id).ended(ended)
            self._records.update(record)
        show_summary(self._console, self._settings, self._store, record)
        return record

    def _execute(self, record: RunRecord) -> Outcome:
        for span in record.to_ingest:
            ingested = self._run_plan(self._planner.ingest(record, span))
            if not ingested.report("DataGate")["blessed"]:
                return Outcome.DATA_REFUSED
        record = self._planner.pin(record)
        trained = self._run_plan(train_plan(record))
        return self._conclude(record, trained)

    def _run_plan(self, plan: Plan) -> RunReader:
        self._console.print(f"\n[bold]{plan.title}[/bold]")
        with self._console.status("loading TensorFlow and TFX"):
            from evergreen.orchestrators.compiling import compile_plan

            ir = compile_plan(self._settings, plan)
            orchestrator = base.load(self._settings.pipeline.orchestrator)
        self._started.append(plan)
        connection, pipeline = connection_config(self._settings.metadata), ir.pipeline_info.id
        try:
            with Progress(self._console, connection, pipeline, plan.pipeline_run):
                orchestrator.run(ir, connection)
        except Exception as error:
            if _was_interrupted(error):
                raise KeyboardInterrupt from error
            raise self._explain(plan, error) from error
        return RunReader(self._store, pipeline, plan.pipeline_run)

    def _explain(self, plan: Plan, error: Exception) -> RunFailedError:
        states = NodeReader(self._store).states(self._settings.pipeline.name, plan.pipeline_run)
        failed = [f"{state.node_id}: {state.error}" for state in states if state.error]
        return RunFailedError(
            f"{plan.title}: " + ("; ".join(failed) or f"{type(error).__name__}: {error}"),
            hint="The log has the traceback. Finished nodes are cached: run the same again.",
        )

    def _conclude(self, record: RunRecord, trained: RunReader) -> Outcome:
        if not trained.report("ModelGate")["blessed"]:
            return Outcome.MODEL_REFUSED
        destination = trained.pushed()
        if destination is None or record.model_version is None:
            return Outcome.EXPERIMENT
        push(trained.model_path(), destination, record.train_key)  # if somebody removed it
        registry = Registry(self._store, self._settings.model.name)
        known = {event.model.version for event in registry.events()}
        registry.register(
            ModelRef(version=record.model_version, artifact_id=trained.model_id()),
            who=record.request.requested_by,
            why=record.request.reason,
            evidence={"run": record.run_id, "path": str(destination)},
            stage=Stage(self._settings.registry.later),
        )
        return Outcome.UNCHANGED if record.model_version in known else Outcome.PUSHED


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: Beam 2.77 wraps KeyboardInterrupt in a RuntimeError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
