"""Runs carried out at once, in this process, which has imported everything already."""

from rich.console import Console
from rich.markup import escape

from evergreen.errors import EvergreenError
from evergreen.running.run import Run
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings
from evergreen.triggers.launcher import Progress


class InlineLauncher:
    """A launcher that waits for its runs.

    Args:
        settings: Of the policy.
        console: What the runs show goes there.
    """

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._done: set[tuple[str, int]] = set()

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """As of `Launcher`."""
        return Progress.STOPPED if (record.run_id, attempt) in self._done else Progress.ABSENT

    def launch(self, record: RunRecord, attempt: int) -> None:
        """As of `Launcher`; returns when the run has ended."""
        self._done.add((record.run_id, attempt))
        try:
            Run(self._settings, self._console).carry_out(record)
        except EvergreenError as error:  # what became of it is in its record
            self._console.print(f"[red]failed[/red]: {escape(str(error))}")

    def stop(self, record: RunRecord, attempt: int) -> None:
        """Nothing goes on by itself."""

    def close(self) -> None:
        """Nothing is left."""

    @property
    def is_busy(self) -> bool:
        """Never: a run has ended when `launch` returns."""
        return False
