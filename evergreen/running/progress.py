"""Shows pipeline runs live, with one line per node, from their state in ML Metadata.

Reading the states from the store, and not from an orchestrator, works for any orchestrator,
wherever it runs the nodes.
"""

import time
from collections.abc import Mapping
from threading import Event, Thread
from types import TracebackType

from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from evergreen.lineage.nodes import NodeReader, NodeState
from evergreen.lineage.store import open_connection

POLL_SECONDS = 0.5
MARKS = {
    "complete": "[green]✓[/green]",
    "cached": "[cyan]↺[/cyan]",
    "failed": "[red]✗[/red]",
    "canceled": "[yellow]■[/yellow]",
}
OVER = ("failed", "canceled")
"""States from which a running run starts a node again."""


class LiveView:
    """A context in which finished nodes are printed, and running nodes shown live."""

    def __init__(
        self,
        console: Console,
        connection: ConnectionConfig,
        pipeline: str,
        runs: Mapping[str, str],
        since: float | None = None,
    ) -> None:
        """Shows nothing yet.

        Args:
            console: Where to show it.
            connection: Of the metadata store.
            pipeline: The name of the pipeline.
            runs: The pipeline runs to show, each with a label for its nodes; may be empty.
            since: When the attempt began, in seconds since the epoch; now, if not given.
        """
        self._console = console
        self._connection = connection
        self._pipeline, self._runs = pipeline, runs
        self._printed: set[int] = set()
        self._begun = since or time.time()
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> "LiveView":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        reader = NodeReader(open_connection(self._connection))
        with Live(console=self._console, refresh_per_second=8, transient=True) as live:
            while not self._stop.wait(POLL_SECONDS):
                live.update(self._show(reader))
            self._show(reader)

    def _show(self, reader: NodeReader) -> Table:
        running = Table.grid(padding=(0, 1))
        for run, part in self._runs.items():
            for state in reader.states(self._pipeline, run):
                if state.state in OVER and state.updated < self._begun:
                    continue  # the state of an earlier attempt
                if state.state in MARKS:
                    self._print_once(part, state)
                else:
                    seconds = time.time() - state.started
                    line = _line(part, state.node_id, "running", seconds)
                    running.add_row(" ", Spinner("dots"), line)
        return running

    def _print_once(self, part: str, state: NodeState) -> None:
        if state.execution_id not in self._printed:
            self._printed.add(state.execution_id)
            line = _line(part, state.node_id, state.state, state.seconds)
            self._console.print(f"  {MARKS[state.state]} {line}", highlight=False)


def _line(part: str, node_id: str, state: str, seconds: float) -> str:
    return f"{part}{node_id:<18} {state:<9} {seconds:6.1f} s"
