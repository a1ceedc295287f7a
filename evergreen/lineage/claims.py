"""Claims on runs: one locked file per run, unlocked by the system when the process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evergreen.errors import EvergreenError
from evergreen.exit_codes import ExitCode
from evergreen.files import Trash, is_locked
from evergreen.runs.plan import RunRecord

FOLDER = ".claims"
"""Below the pipeline's root, so that all who share its artifacts share its claims."""


class RunIsAliveError(EvergreenError):
    """Raised when another process works on the run."""

    exit_code = ExitCode.WRONG


class Claims:
    """The claims on the runs below one pipeline root."""

    def __init__(self, root: Path) -> None:
        """Writes nothing until a run is claimed."""
        self._root, self._folder = root, root / FOLDER

    @contextmanager
    def hold(self, run_id: str) -> Iterator[None]:
        """Holds the claim on a run until the block, or the process, ends.

        Raises:
            RunIsAliveError: If another process has it.
        """
        file = self._locked(run_id)
        try:
            yield
        finally:
            os.close(file)

    def is_held(self, run_id: str) -> bool:
        """Returns whether a process works on a run."""
        return is_locked(self.file(run_id))

    def names(self) -> list[str]:
        """Returns the runs that were claimed and not forgotten since."""
        return sorted(os.listdir(self._folder)) if self._folder.is_dir() else []

    def forget(self, run_id: str) -> bool:
        """Removes the file of a claim that nobody holds; returns whether it did."""
        try:
            with self.hold(run_id):
                return Trash(self._root).remove(self.file(run_id), lambda: True)
        except RunIsAliveError:
            return False

    def file(self, run_id: str) -> Path:
        """Returns the path of a run's claim."""
        return self._folder / run_id

    def _locked(self, run_id: str) -> int:
        """Opens and locks the file of a claim; tries again if it was forgotten meanwhile."""
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self.file(run_id), os.O_CREAT | os.O_RDWR, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(file), os.stat(self.file(run_id))):
                    return file
            except FileNotFoundError:
                pass
            except BlockingIOError as error:
                os.close(file)
                raise RunIsAliveError(
                    f"another process works on run {run_id}.",
                    hint=f"Watch it: evergreen show {run_id}; or end it first.",
                ) from error
            os.close(file)


def state(record: RunRecord, root: Path) -> str:
    """Returns a run's outcome, else `running`, or `died` if no process works on it.

    Args:
        record: The run's record.
        root: The pipeline's root.
    """
    if record.outcome:
        return record.outcome
    alive = record.is_remote or Claims(root).is_held(record.run_id)
    return "running" if alive else "died"
