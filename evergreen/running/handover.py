"""A run that is carried out elsewhere: handed over, then followed to its outcome.

Nodes and outcome are read from ML Metadata; the remote orchestrator is asked only whether the try
goes on. No claim is taken, and following may end and begin again at any time.
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
from evergreen.settings import Settings
from evergreen.texts import plain

POLL_SECONDS = 1.0


class Handover:
    """Hands runs over to a remote orchestrator, and follows them.

    Attributes:
        is_launched: Whether a try has been launched, or found: it goes on without this process.
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
        """Launches a try of a run, unless one goes on, and follows it to its end.

        Returns:
            The record of the ended run; `failed` if the try has stopped without an outcome.

        Raises:
            EvergreenError: If the orchestrator refuses the run, which has failed then.
        """
        attempt, goes_on = self._newest(record)
        if not goes_on:
            self._launch(record, attempt)
        self.is_launched = True
        self._logs = self._orchestrator.logs(record, attempt)
        did = "goes on" if goes_on else "handed over"
        self._console.print(f"\n[bold]{did}[/bold]; logs: {plain(self._logs)}", highlight=False)
        self._follow(record, attempt)
        ended = self._records.get(record.run_id)
        self._stopped = ended.finished == record.finished
        return end(self._store, record.run_id, Outcome.FAILED) if self._stopped else ended

    def taken_up(self, run_id: str, rerun_from: str) -> RunRecord:
        """Returns the record of a run that is to go on; as it is, if it goes on already.

        Raises:
            EvergreenError: If it cannot go on, or not from there.
        """
        record = self._records.get(run_id)
        if not self._newest(record)[1]:
            return reopen(self._settings, self._store, run_id, rerun_from)
        if rerun_from:
            raise CannotGoOnError(
                f"run {run_id} goes on.", hint=f"Wait for its end: evergreen resume {run_id}"
            )
        return record

    def failure(self, record: RunRecord) -> RunFailedError:
        """What to tell of a run that came to no result."""
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

    def parting(self, run_id: str) -> str:
        """What to tell a person who follows a run no longer."""
        return (
            f"[yellow]no longer followed[/yellow]: run {run_id} goes on.\n"
            f"next: follow it again: evergreen resume {run_id}\n"
            f"      look at it: evergreen show {run_id}\n"
            f"      its logs: {plain(self._logs)}"
        )

    def _newest(self, record: RunRecord) -> tuple[int, bool]:
        """The number of the try that goes on, or is to be launched; whether it goes on."""
        for attempt in count():
            progress = self._orchestrator.progress(record, attempt)
            if progress is not Progress.STOPPED:
                return attempt, progress is Progress.GOES_ON
        raise AssertionError("there is a number for every try")

    def _launch(self, record: RunRecord, attempt: int) -> None:
        try:
            self._orchestrator.launch(record, attempt)
        except BaseException as error:  # Ctrl-C, too: nobody works on the run
            refused = isinstance(error, Exception)
            end(self._store, record.run_id, Outcome.FAILED if refused else Outcome.INTERRUPTED)
            raise

    def _follow(self, record: RunRecord, attempt: int) -> None:
        connection = connection_config(self._settings.metadata)
        runs = {record.pipeline_run(part): f"{part:<15} " for part in record.parts}
        since = (record.resumed or (record.created,))[-1].timestamp()
        told = ""
        with LiveView(self._console, connection, record.pipeline, runs, since):
            while self._records.get(record.run_id).finished == record.finished:
                try:
                    if self._orchestrator.progress(record, attempt) is not Progress.GOES_ON:
                        return
                except EvergreenError as error:  # the run goes on all the same
                    if str(error) != told:
                        told = str(error)
                        self._console.print(f"  [yellow]{plain(told)}[/yellow]", highlight=False)
                time.sleep(POLL_SECONDS)
