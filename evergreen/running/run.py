"""One run, from the request to its outcome."""

from ml_metadata.metadata_store import MetadataStore
from rich.console import Console
from rich.markup import escape

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
from evergreen.reporting import write_report
from evergreen.reporting.reading import PartReader
from evergreen.running.outcome import gate_report, model_id, pushed, validated_model
from evergreen.running.progress import Progress
from evergreen.running.summary import show_plan, show_summary
from evergreen.serving.exposing import expose
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
            record = self._end(record, ended)
        show_summary(self._console, self._settings, self._store, record)
        return record

    def _end(self, record: RunRecord, ended: Outcome) -> RunRecord:
        """Records the end, and reports it; who interrupted a run does not want to wait for that."""
        cancel_active(self._store, [plan.pipeline_run for plan in self._started])
        record = self._records.get(record.run_id).ended(ended)
        self._records.update(record)
        if ended is not Outcome.INTERRUPTED:
            self._report(record)
        return record

    def _report(self, record: RunRecord) -> None:
        """Writes the page of the run; without it the run is what it is."""
        try:
            with self._console.status("writing the report"):
                write_report(self._settings, self._store, record)
        except OSError as error:
            self._console.print(f"[yellow]no report was written[/yellow]: {escape(str(error))}")
            self._console.print(f"  to write it: evergreen report {record.run_id}")

    def _execute(self, record: RunRecord) -> Outcome:
        for span in record.to_ingest:
            ingested = self._run_plan(self._planner.ingest(record, span))
            if not gate_report(ingested, "DataGate")["blessed"]:
                return Outcome.DATA_REFUSED
        record = self._planner.pin(record)
        trained = self._run_plan(train_plan(record))
        return self._conclude(record, trained)

    def _run_plan(self, plan: Plan) -> PartReader:
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
        return PartReader(self._store, pipeline, plan.pipeline_run)

    def _explain(self, plan: Plan, error: Exception) -> RunFailedError:
        states = NodeReader(self._store).states(self._settings.pipeline.name, plan.pipeline_run)
        failed = [f"{state.node_id}: {state.error}" for state in states if state.error]
        return RunFailedError(
            f"{plan.title}: " + ("; ".join(failed) or f"{type(error).__name__}: {error}"),
            hint="The log has the traceback, `evergreen report` the rest. Finished nodes are "
            "cached: run the same again.",
        )

    def _conclude(self, record: RunRecord, trained: PartReader) -> Outcome:
        judged = gate_report(trained, "ModelGate")
        if not judged["blessed"]:
            return Outcome.MODEL_REFUSED
        if not gate_report(trained, "ServingValidator")["blessed"]:
            return Outcome.SERVING_REFUSED
        destination = pushed(trained)
        if destination is None or record.model_version is None:
            return Outcome.EXPERIMENT
        push(validated_model(trained), destination, record.train_key)  # if somebody removed it
        registry = Registry(self._store, self._settings.model.name)
        known = {event.model.version for event in registry.events()}
        registry.register(
            ModelRef(version=record.model_version, artifact_id=model_id(trained)),
            who=record.request.requested_by,
            why=record.request.reason,
            evidence={
                "run": record.run_id,
                "path": str(destination),
                "metrics": _metrics(judged["candidate"]),
            },
            stage=Stage(self._settings.registry.later),
        )
        if record.model_version in known:
            return Outcome.UNCHANGED
        self._expose()
        return Outcome.PUSHED

    def _expose(self) -> None:
        """Has the servers load what was pushed; without them the version is pushed all the same."""
        try:
            with self._console.status("telling the model servers"):
                told = expose(self._settings, self._store)
        except EvergreenError as error:
            told = f"[yellow]the servers have not followed[/yellow]: {escape(str(error))}"
        self._console.print(f"\n{told}", highlight=False, soft_wrap=True)


def _metrics(values: dict[str, float | None]) -> str:
    """Metrics in a line, rounded."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items() if value is not None)


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: Beam 2.77 wraps KeyboardInterrupt in a RuntimeError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
