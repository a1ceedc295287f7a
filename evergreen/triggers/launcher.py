"""Launchers, which carry out the controller's runs."""

from enum import StrEnum
from typing import Protocol

from evergreen.runs.plan import RunRecord


class Progress(StrEnum):
    """The progress of an attempt."""

    ABSENT = "absent"  # not launched, or no longer known
    GOES_ON = "goes on"
    STOPPED = "stopped"  # with an outcome, if the run record has one


class Launcher(Protocol):
    """Carries out planned runs, one at a time; the outcome goes into the run record."""

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """Returns the progress of an attempt.

        Args:
            record: The run.
            attempt: Its number, from 0.
        """

    def launch(self, record: RunRecord, attempt: int) -> None:
        """Starts an attempt. Nodes that an earlier one has finished are not run again."""

    def stop(self, record: RunRecord, attempt: int) -> None:
        """Ends a running attempt at once."""

    def close(self) -> None:
        """Ends and forgets what cannot outlive the controller, so that it is absent."""

    @property
    def is_busy(self) -> bool:
        """Returns whether `close` would end something."""
