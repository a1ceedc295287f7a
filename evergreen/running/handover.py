"""A run that is carried out elsewhere: handed over, then followed to its outcome.

Nodes and outcome are read from ML Metadata; the remote orchestrator only tells whether the attempt
goes on. No claim is taken, and following can stop and start again at any time.
"""

import time
from itertools import count

from ml_metadata.metadata_store import MetadataStore
from rich.console import Console

from evergreen.errors import EvergreenError
from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import connection_config
from evergreen.running.conclusion import end
from evergreen.running.orchestrator import Progress, RemoteOrchestrator
from evergreen.running.outcome import RunFailedError
from evergreen.running.progress import LiveView
from evergreen.running.resumption import CannotGoOnError, reopen
from evergreen.runs.plan import Outcome, RunRecord
from evergreen.screen import next_step
from evergreen.settings import Settings
from evergreen.texts import plain

POLL_SECONDS = 1.0


def newest(orchestrator: RemoteOrchestrator, record: RunRecord) -> tuple[int, bool]:
    """Returns the number of the running or the next attempt of a run, and whether it is running."""
    for attempt in count():
        progress = orchestrator.progress(record, attempt)
        if progress is not Progress.STOPPED:
            return attempt, progress is Progress.GOES_ON
    raise AssertionError("there is a number for every attempt")


class Handover:
    """Hands runs over to a remote orchestrator, and follows them.

    Attributes:
        is_launched: Whether an attempt was launched or found, which outlives this process.
    """

    def __init__(
        self,
        settings: Settings,
        store: MetadataStore,
        console: Console,
        orchestrator: RemoteOrchestrator,
    ) -> None:
        self._settings = settings
        self._store = store
        self._console = console
        self._orchestrator = orchestrator
        self._records = RunRecords(store)
        self._logs = ""
        self._stopped = False
        self.is_launched = False

    def __call__(self, record: RunRecord) -> RunRecord:
        """Launches an attempt of a run, unless one goes on, and follows it to its end.

        Returns:
            The record of the ended run; `failed` if the attempt stopped without an outcome.

        Raises:
            EvergreenError: If the orchestrator refuses the run, or does not answer; the run has
                failed then.
        """
        attempt, goes_on = self._launched(record)
        self.is_launched = True
        self._logs = self._orchestrator.logs(record, attempt)
        did = "goes on" if goes_on else "handed over"
        text = f"\n[bold]{did}[/bold]; logs: {plain(self._logs)}"
        self._console.print(text, highlight=False, soft_wrap=True)
        self._follow(record, attempt)
        ended = self._records.get(record.run_id)
        self._stopped = ended.finished == record.finished
        return (
            end(self._settings, self._store, record.run_id, Outcome.FAILED)
            if self._stopped
            else ended
        )

    def taken_up(self, run_id: str, rerun_from: str) -> RunRecord:
        """Reopens a run, unless an attempt of it goes on; returns its record.

        Raises:
            EvergreenError: If it cannot be resumed, or not from that node.
        """
        record = self._records.get(run_id)
        if not newest(self._orchestrator, record)[1]:
            return reopen(self._settings, self._store, run_id, rerun_from)
        if rerun_from:
            raise CannotGoOnError(
                f"run {run_id} goes on.", hint=f"Wait for its end: evergreen resume {run_id}"
            )
        return record

    def failure(self, record: RunRecord) -> RunFailedError:
        """Returns the error of a run that ended without a result."""
        reader = NodeReader(self._store)
        states = [
            state
            for part in record.parts
            for state in reader.states(record.pipeline, record.pipeline_run(part))
        ]
        said = "; ".join(f"{state.node_id}: {state.error}" for state in states if state.error)
        what = "what carried it out has stopped without an outcome"
        what = what if self._stopped else f"it has ended as {record.outcome}"
        return RunFailedError(
            f"run {record.run_id}: {what}" + (f": {said}" if said else "."),
            hint=f"See its logs: {self._logs}. When the cause is gone: evergreen resume "
            f"{record.run_id}",
        )

    def part(self, run_id: str) -> None:
        """Tells a person who stops following a run how to come back to it."""
        text = f"\n[yellow]no longer followed[/yellow]: run {run_id} goes on; logs: "
        self._console.print(text + plain(self._logs), highlight=False, soft_wrap=True)
        next_step(
            f"evergreen resume {run_id} follows it again; evergreen show {run_id}", self._console
        )

    def _launched(self, record: RunRecord) -> tuple[int, bool]:
        """Launches an attempt unless one goes on; returns its number, and whether one did."""
        try:
            attempt, goes_on = newest(self._orchestrator, record)
            if not goes_on:
                self._orchestrator.launch(record, attempt)
        except BaseException as error:  # also Ctrl-C: nothing works on the run
            outcome = Outcome.FAILED if isinstance(error, Exception) else Outcome.INTERRUPTED
            end(self._settings, self._store, record.run_id, outcome)
            raise
        return attempt, goes_on

    def _follow(self, record: RunRecord, attempt: int) -> None:
        connection = connection_config(self._settings.metadata)
        runs = {record.pipeline_run(part): f"{part:<15} " for part in record.parts}
        since = (record.resumed or (record.created,))[-1].timestamp()
        told = ""
        with LiveView(self._console, connection, record.pipeline, runs, since):
            while True:
                try:
                    if self._has_stopped(record, attempt):
                        return
                except EvergreenError as error:  # an outage here does not end the run
                    if str(error) != told:
                        told = str(error)
                        self._console.print(f"  [yellow]{plain(told)}[/yellow]", highlight=False)
                time.sleep(POLL_SECONDS)

    def _has_stopped(self, record: RunRecord, attempt: int) -> bool:
        if self._records.get(record.run_id).finished != record.finished:
            return True
        return self._orchestrator.progress(record, attempt) is not Progress.GOES_ON
