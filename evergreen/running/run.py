"""Carries out a run, from the request to its outcome."""

import logging
from collections.abc import Callable

from ml_metadata.metadata_store import MetadataStore
from rich.console import Console

from evergreen.failures import describe, place
from evergreen.lineage.claims import Claims
from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.records import RunRecords
from evergreen.lineage.run_artifacts import PartReader
from evergreen.lineage.store import connection_config, open_store
from evergreen.planning.planner import Planner
from evergreen.reporting import write_report
from evergreen.running.conclusion import conclude, end, tell_servers
from evergreen.running.handover import Handover
from evergreen.running.interruption import lasting_interrupts
from evergreen.running.orchestrator import Orchestrator, RemoteOrchestrator, chosen
from evergreen.running.outcome import RunFailedError, gate_report
from evergreen.running.progress import LiveView
from evergreen.running.resumption import reopen, what_changed
from evergreen.running.summary import show_part, show_plan, show_summary
from evergreen.runs.plan import Outcome, Plan, Request, RunRecord, train_plan
from evergreen.runs.reports.data import DataReport
from evergreen.screen import next_step
from evergreen.settings import Settings
from evergreen.texts import plain

log = logging.getLogger(__name__)
MOST = 1000
"""The longest text about the servers, in characters."""


class Run:
    """Carries out requests of one project, and shows the progress on a console.

    Attributes:
        run_id: The current run; empty before it is planned.
    """

    def __init__(
        self,
        settings: Settings,
        console: Console,
        orchestrator: Orchestrator | RemoteOrchestrator | None = None,
    ) -> None:
        """Starts nothing yet.

        Args:
            settings: The project's settings.
            console: Where a person sees it all.
            orchestrator: Carries out the nodes; the one that the settings name, if not given.

        Raises:
            SettingsError: If there is no such orchestrator.
        """
        self._settings = settings
        self._console = console
        orchestrator = orchestrator or chosen(settings)
        self._store: MetadataStore = open_store(settings.metadata)
        self._handover: Handover | None = None
        if isinstance(orchestrator, RemoteOrchestrator):
            self._handover = Handover(settings, self._store, console, orchestrator)
        else:
            self._orchestrator = orchestrator
        self._planner = Planner(settings, self._store)
        self._claims = Claims(settings.pipeline.root)
        self.run_id = ""

    def __call__(self, request: Request) -> RunRecord:
        """Plans, carries out and records a request.

        Returns:
            The record of the ended run. A gate's refusal is an outcome, not an error.

        Raises:
            EvergreenError: If the request cannot be planned, or a node failed.
        """
        record = self._planner.plan(request, remote=self._handover is not None)
        self.run_id = record.run_id
        return self.carry_out(record)

    def carry_out(self, record: RunRecord) -> RunRecord:
        """Carries out a planned run. A run that died continues: finished nodes are not run again.

        Returns:
            The record of the ended run.

        Raises:
            EvergreenError: If a node failed, or another process works on the run.
        """
        self.run_id = record.run_id
        if self._handover:
            if record.outcome:
                record = reopen(self._settings, self._store, record.run_id, "")
            return self._hand_over(self._handover, record)
        with self._claims.hold(record.run_id):
            planned = record
            if record.outcome:
                record = reopen(self._settings, self._store, record.run_id, "")
            self._show_plan(record, planned)
            return self._carry_out(record)

    def resume(self, run_id: str, rerun_from: str = "") -> RunRecord:
        """Resumes a run that failed, was killed or interrupted, under the same id.

        A run that goes on elsewhere is followed again.

        Args:
            run_id: The run.
            rerun_from: The node from which everything is executed again, whatever the cache holds.

        Returns:
            The record of the ended run.

        Raises:
            EvergreenError: If the run cannot go on, or a node failed.
        """
        self.run_id = run_id
        if self._handover:
            record = self._handover.taken_up(run_id, rerun_from)
            return self._hand_over(self._handover, record)
        with self._claims.hold(run_id):
            planned = RunRecords(self._store).get(run_id)
            record = reopen(self._settings, self._store, run_id, rerun_from)
            self._show_plan(record, planned)
            return self._carry_out(record)

    def _show_plan(self, record: RunRecord, planned: RunRecord) -> None:
        show_plan(self._console, self._settings, record)
        if changed := what_changed(planned.digests, record.digests):
            self._console.print(f"  changed    {changed}", highlight=False, soft_wrap=True)

    def part(self) -> None:
        """Tells a person who interrupts a run how to go on with it."""
        if self._handover and self._handover.is_launched:
            self._handover.part(self.run_id)
        else:
            text = "\n[yellow]interrupted[/yellow]; what was pushed before is untouched."
            self._console.print(text, highlight=False, soft_wrap=True)
            again = f"evergreen resume {self.run_id}" if self.run_id else "run the same again"
            next_step(again, self._console)

    def _hand_over(self, handover: Handover, record: RunRecord) -> RunRecord:
        show_plan(self._console, self._settings, record)
        record = handover(record)
        self._report(record)
        if record.can_go_on:
            raise handover.failure(record)
        self._summarize(record)
        return record

    def _carry_out(self, record: RunRecord) -> RunRecord:
        ended = Outcome.INTERRUPTED
        try:
            ended = self._execute(record)
        except Exception:
            ended = Outcome.FAILED
            raise
        finally:
            record = self._end(record, ended)
        self._summarize(record)
        return record

    def _end(self, record: RunRecord, ended: Outcome) -> RunRecord:
        """Records the outcome, and reports it; an interrupted run is not reported, to save time."""
        record = end(self._settings, self._store, record.run_id, ended)
        if ended is not Outcome.INTERRUPTED:
            self._report(record)
        return record

    def _report(self, record: RunRecord) -> None:
        with self._console.status("writing the report"):
            self._show("report", lambda: write_report(self._settings, self._store, record))

    def _summarize(self, record: RunRecord) -> None:
        self._show(
            "summary", lambda: show_summary(self._console, self._settings, self._store, record)
        )

    def _show(self, what: str, show: Callable[[], object]) -> None:
        show_part(self._console, what, self.run_id, show)

    def _execute(self, record: RunRecord) -> Outcome:
        for span in record.to_ingest:
            ingested = self._run_plan(self._planner.ingest(record, span))
            if not gate_report(ingested, DataReport).blessed:
                return Outcome.DATA_REFUSED
        if not record.request.train:
            return Outcome.INGESTED
        if record.pins is None:
            record = self._planner.pin(record)
        self._run_plan(train_plan(record))
        outcome = conclude(self._settings, self._store, record)
        if outcome is Outcome.PUSHED:
            with self._console.status("telling the model servers"):
                told = tell_servers(self._settings, self._store)
            self._console.print(f"\n{plain(told, MOST)}", highlight=False, soft_wrap=True)
        return outcome

    def _run_plan(self, plan: Plan) -> PartReader:
        self._console.print(f"\n[bold]{plan.title}[/bold]")
        with self._console.status("loading TensorFlow and TFX"):
            from evergreen.running.compilation import compile_plan

            ir = compile_plan(self._settings, plan)
        connection, pipeline = connection_config(self._settings.metadata), ir.pipeline_info.id
        try:
            view = LiveView(self._console, connection, pipeline, {plan.pipeline_run: ""})
            with view, lasting_interrupts():
                self._orchestrator.run(ir, connection, self._settings.pipeline.nodes_at_once)
        except Exception as error:
            if _was_interrupted(error):
                raise KeyboardInterrupt from error
            raise self._explain(plan, error) from error
        return PartReader(self._store, pipeline, plan.pipeline_run)

    def _explain(self, plan: Plan, error: Exception) -> RunFailedError:
        states = NodeReader(self._store).states(self._settings.pipeline.name, plan.pipeline_run)
        failed = [f"{state.node_id}: {state.error}" for state in states if state.error]
        found = place(error)
        todo = f"Correct {found.file}" if found else "When the cause is gone"
        return RunFailedError(
            f"{plan.title}: " + ("; ".join(failed) or describe(error)),
            hint=f"The log has the traceback. {todo}, then: evergreen resume {self.run_id}",
        )


def _was_interrupted(error: BaseException | None) -> bool:
    """Returns whether Ctrl-C caused an error: Beam 2.77 wraps it in a RuntimeError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
