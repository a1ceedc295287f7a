"""A remote orchestrator as a stranger would write it: a package of its own, which Evergreen's code
knows nothing of. "Elsewhere" is a process that outlives the one that launched it.

Usage, elsewhere: python -m relay SETTINGS RUN
"""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from evergreen.files import is_locked
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import open_store
from evergreen.orchestrators.local import LocalOrchestrator
from evergreen.running.orchestrator import Progress, RemoteOrchestrator
from evergreen.running.run import Run
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings


class RelayOrchestrator(RemoteOrchestrator):
    """Relays runs to processes that go on by themselves."""

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """A try is a file that its process holds locked."""
        file = self._file(record, attempt)
        if not file.exists():
            return Progress.ABSENT
        return Progress.GOES_ON if is_locked(file) else Progress.STOPPED

    def launch(self, record: RunRecord, attempt: int) -> None:
        """Starts a process; it inherits the lock, and has the settings as JSON."""
        settings = self.settings.model_dump_json(by_alias=True)
        line = [sys.executable, "-m", "relay", settings, record.run_id]
        with self._file(record, attempt).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            number = file.fileno()
            process = subprocess.Popen(
                line, stdout=file, stderr=file, pass_fds=[number], start_new_session=True
            )
        self._pid(record, attempt).write_text(str(process.pid))

    def stop(self, record: RunRecord, attempt: int) -> None:
        """Kills the process, if it is there."""
        if self.progress(record, attempt) is Progress.GOES_ON:
            os.killpg(int(self._pid(record, attempt).read_text()), signal.SIGKILL)

    def logs(self, record: RunRecord, attempt: int) -> str:
        """The file that it writes to."""
        return f"less {self._file(record, attempt)}"

    def _file(self, record: RunRecord, attempt: int) -> Path:
        folder = self.settings.logs.folder
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"relay-{record.run_id}.{attempt}.log"

    def _pid(self, record: RunRecord, attempt: int) -> Path:
        return self._file(record, attempt).with_suffix(".pid")


def main() -> None:
    """Carries out a planned run where this process is."""
    settings = Settings.model_validate_json(sys.argv[1])
    record = RunRecords(open_store(settings.metadata)).get(sys.argv[2])
    Run(settings, Console(), LocalOrchestrator()).carry_out(record)


if __name__ == "__main__":
    main()
