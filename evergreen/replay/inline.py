"""Carries out runs immediately in this process, which has imported everything already."""

from rich.console import Console
from rich.markup import escape

from evergreen.errors import EvergreenError
from evergreen.running.orchestrator import Progress
from evergreen.running.run import Run
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings


class InlineLauncher:
    """A launcher that waits for its runs.

    Args:
        settings: The settings of the policy.
        console: Shows the output of the runs.
    """

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._done: set[tuple[str, int]] = set()

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """As in `Launcher`."""
        return Progress.STOPPED if (record.run_id, attempt) in self._done else Progress.ABSENT

    def launch(self, record: RunRecord, attempt: int) -> None:
        """As in `Launcher`; returns when the run has ended."""
        self._done.add((record.run_id, attempt))
        try:
            Run(self._settings, self._console).carry_out(record)
        except EvergreenError as error:  # its outcome is in its record
            self._console.print(f"[red]failed[/red]: {escape(str(error))}")

    def stop(self, record: RunRecord, attempt: int) -> None:
        """Does nothing: no run is under way."""

    def close(self) -> None:
        """Does nothing."""

    @property
    def is_busy(self) -> bool:
        """Returns False: a run has ended when `launch` returns."""
        return False
