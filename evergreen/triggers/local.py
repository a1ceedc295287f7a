"""Launches runs on this machine, each in a process forked from one that has imported TensorFlow.

Each run has its own process, so that nothing remains of the last one, and a hanging one can be
killed. It imports the project's code afresh, which may have changed. Only packages are imported in
advance: they are fixed by the lock, and if that changes, a run starts cold.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing import connection, forkserver, get_context
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any

from evergreen.files import file_digest
from evergreen.running.orchestrator import Progress
from evergreen.runs.plan import RunRecord
from evergreen.triggers.work import Runner, Work, run, work

PACKAGES = (
    "keras",  # first: otherwise TFT chooses another one
    "tfx",  # before TFDV, for which it installs a stub
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tfx.components.evaluator.component",
    "tfx.components.example_validator.component",
    "tfx.components.pusher.component",
    "tfx.components.schema_gen.component",
    "tfx.components.schema_gen.import_schema_gen.component",
    "tfx.components.statistics_gen.component",
    "tfx.components.trainer.component",
    "tfx.components.transform.component",
    "tfx.dsl.compiler.compiler",
    "tfx.orchestration.local.runner_utils",
    "tfx.orchestration.portable.launcher",
)
"""The packages that runs import. Importing them starts no thread that a fork would lack, opens no
channel, and does not initialize TensorFlow's devices. Contains nothing of Evergreen or the
project."""


class LocalLauncher:
    """Carries out runs on this machine."""

    def __init__(
        self,
        place: Work,
        lock: Path,
        ended: Callable[[], None] = lambda: None,
        runner: Runner = run,
        context: BaseContext | None = None,
    ) -> None:
        """Starts nothing yet.

        Args:
            place: The project and its settings; the run id is added.
            lock: The hashed lock of the packages.
            ended: Called, in another thread, when a run's process has ended.
            runner: Carries out a run, in its process.
            context: Creates processes; by default forked from one that has imported the packages.
        """
        self._place = place
        self._lock = lock
        self._ended = ended
        self._runner = runner
        self._context = context
        self._packages = file_digest(lock)
        self._try: tuple[str, int] | None = None
        self._process: BaseProcess | None = None

    def warm_up(self) -> None:
        """Begins to import the packages, in the process that runs are forked from."""
        context = get_context("forkserver")
        context.set_forkserver_preload(list(PACKAGES))
        forkserver.ensure_running()

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """As in `Launcher`."""
        if self._process is None or self._try != (record.run_id, attempt):
            return Progress.ABSENT
        return Progress.GOES_ON if self._process.is_alive() else Progress.STOPPED

    def launch(self, record: RunRecord, attempt: int) -> None:
        """As in `Launcher`."""
        work_of_run = replace(self._place, run_id=record.run_id)
        process = self._fitting().Process(target=work, args=(work_of_run, self._runner))
        process.start()
        self._try, self._process = (record.run_id, attempt), process
        Thread(target=self._wait, args=[process.sentinel], name="run", daemon=True).start()

    def stop(self, record: RunRecord, attempt: int) -> None:
        """As in `Launcher`."""
        if self.progress(record, attempt) is Progress.GOES_ON:
            self._kill()

    def close(self) -> None:
        """As in `Launcher`."""
        self._kill()
        self._try = self._process = None

    @property
    def is_busy(self) -> bool:
        """As in `Launcher`."""
        return self._process is not None and self._process.is_alive()

    def _kill(self) -> None:
        if self._process and self._process.is_alive():
            assert self._process.pid
            with suppress(ProcessLookupError):  # it has not created its group yet
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()

    def _fitting(self) -> Any:
        if self._context:
            return self._context
        changed = file_digest(self._lock) != self._packages
        return get_context("spawn" if changed else "forkserver")

    def _wait(self, sentinel: int) -> None:
        connection.wait([sentinel])
        self._ended()
