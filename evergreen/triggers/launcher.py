"""Where runs go: what the controller asks of whatever carries them out."""

from enum import StrEnum
from typing import Protocol

from evergreen.runs.plan import RunRecord


class Progress(StrEnum):
    """How far a try of a run is."""

    ABSENT = "absent"  # not launched, or nobody knows of it any more
    GOES_ON = "goes on"
    STOPPED = "stopped"  # to an outcome, if the run record has one


class Launcher(Protocol):
    """Carries out planned runs, one at a time; the outcome comes into the run record."""

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """Returns how far a try is.

        Args:
            record: The run.
            attempt: From 0.
        """

    def launch(self, record: RunRecord, attempt: int) -> None:
        """Starts a try. Nodes that an earlier one has finished are not run again."""

    def stop(self, record: RunRecord, attempt: int) -> None:
        """Ends a try that goes on, at once."""

    def close(self) -> None:
        """Ends what only lives as long as the controller, and forgets it: it is absent then."""

    @property
    def is_busy(self) -> bool:
        """Whether there is something that `close` would end."""
