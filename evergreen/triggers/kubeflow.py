"""Launches runs on Kubeflow: the controller plans them, the cluster carries them out.

The parameter `run` of a job names the run record, so that a submitted job is found again, even by a
controller that has just started.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from evergreen.orchestrators.kubeflow.api import KubeflowError
from evergreen.orchestrators.kubeflow.client import ACTIVE, Client, code_version
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings
from evergreen.triggers.launcher import Progress

CLOCKS_DIFFER = timedelta(hours=1)
"""The greatest lag of the cluster's clock: a job is as old as its run record."""
NOT_FOUND = 404
SLOWER, SLOWEST_SECONDS = 1.5, 120.0
"""A running job is polled less and less often."""


@dataclass
class _Asked:
    """The known state of a job.

    Attributes:
        goes_on: Whether it was running at the last poll.
        next: The time of the next poll, by the monotonic clock.
        wait: The seconds from the last poll to the next.
    """

    goes_on: bool
    next: float
    wait: float


class KubeflowLauncher:
    """Submits runs of the deployed version of the local code.

    The jobs of a run are listed once; then each is polled by its id.
    """

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Connects to nothing yet: Kubeflow may start after the controller."""
        self._settings = settings
        self._monotonic = monotonic
        self._connected: Client | None = None
        self._jobs: dict[str, list[str]] = {}  # by run, oldest first
        self._asked: dict[str, _Asked] = {}  # by job

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """As in `Launcher`."""
        job = self._job(record, attempt)
        if job is None:
            return Progress.ABSENT
        return Progress.GOES_ON if self._goes_on(job) else Progress.STOPPED

    def launch(self, record: RunRecord, attempt: int) -> None:
        """As in `Launcher`.

        Raises:
            KubeflowError: If the version of the code is not deployed, or the API refuses.
        """
        request = record.request
        asked = {"requested_by": request.requested_by, "reason": request.reason}
        parameters = {"run": record.run_id, **asked}
        known = self._jobs.pop(record.run_id, [])  # listed again if the answer is lost
        job = self._client.run(code_version(self._settings), parameters)
        self._jobs = {record.run_id: [*known, job]}
        self._asked = {}

    def stop(self, record: RunRecord, attempt: int) -> None:
        """As in `Launcher`."""
        if job := self._job(record, attempt):
            self._client.terminate(job)

    def close(self) -> None:
        """Leaves running jobs alone: the cluster continues them."""

    @property
    def is_busy(self) -> bool:
        """Returns False: `close` ends nothing."""
        return False

    @property
    def _client(self) -> Client:
        if self._connected is None:
            self._connected = Client(self._settings)
        return self._connected

    def _goes_on(self, job: str) -> bool:
        asked, now = self._asked.get(job), self._monotonic()
        if asked and (not asked.goes_on or now < asked.next):
            return asked.goes_on
        goes_on = self._is_active(job)
        poll = self._settings.triggers.poll_seconds
        wait = min(asked.wait * SLOWER, max(SLOWEST_SECONDS, poll)) if asked else poll
        self._asked[job] = _Asked(goes_on, now + wait, wait)
        return goes_on

    def _is_active(self, job: str) -> bool:
        try:
            return self._client.get(job).state in ACTIVE
        except KubeflowError as error:
            if error.status == NOT_FOUND:  # somebody deleted it
                return False
            raise

    def _job(self, record: RunRecord, attempt: int) -> str | None:
        """Returns the job of an attempt of a run."""
        if record.run_id not in self._jobs:
            newest_first = self._client.runs(since=record.created - CLOCKS_DIFFER)
            found = [str(job.run_id) for job in newest_first if _is_of(job, record)]
            self._jobs = {record.run_id: found[::-1]}
        jobs = self._jobs[record.run_id]
        return jobs[attempt] if attempt < len(jobs) else None


def _is_of(job: Any, record: RunRecord) -> bool:
    parameters = (job.runtime_config and job.runtime_config.parameters) or {}
    return bool(parameters.get("run") == record.run_id)
