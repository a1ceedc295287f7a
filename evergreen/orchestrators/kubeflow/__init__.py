"""Kubeflow Pipelines: runs the same nodes by the same launcher, in containers of a cluster.

`compiler` turns the pipeline into a file that Kubeflow Pipelines runs; the containers of that file
run `entry`; `client` calls the API. See docs/kubeflow.md.

The parameter `run` of a job names the run record, so that any process can find the jobs of a run.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from evergreen.running.orchestrator import Progress, RemoteOrchestrator
from evergreen.runs.plan import RunRecord
from evergreen.settings import Settings

if TYPE_CHECKING:
    from evergreen.orchestrators.kubeflow.client import Client

CLOCKS_DIFFER = timedelta(hours=1)
"""The greatest lag of the cluster's clock. A job is as old as its record."""
NOT_FOUND = 404
SLOWER, SLOWEST_SECONDS = 1.5, 120.0
"""A running job is polled less and less often."""


@dataclass
class _Asked:
    """The last known state of a job.

    Attributes:
        goes_on: Whether it was running.
        next: When to poll it again, by the monotonic clock.
        wait: How many seconds lie between this poll and the next.
    """

    goes_on: bool
    next: float
    wait: float


class KubeflowOrchestrator(RemoteOrchestrator):
    """Submits runs to a Kubeflow cluster, as jobs of the deployed version of the code here.

    The jobs of a run are listed once; then each is polled by its id.
    """

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        """As in `RemoteOrchestrator`."""
        super().__init__(settings)
        self._monotonic = monotonic
        self._connected: Client | None = None
        self._jobs: dict[str, list[str]] = {}  # by run, oldest first
        self._asked: dict[str, _Asked] = {}  # by job

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """As in `RemoteOrchestrator`."""
        job = self._job(record, attempt)
        if job is None:
            return Progress.ABSENT
        return Progress.GOES_ON if self._goes_on(job) else Progress.STOPPED

    def launch(self, record: RunRecord, attempt: int) -> None:
        """As in `RemoteOrchestrator`.

        Raises:
            KubeflowError: If the version of the code is not deployed, or the API refuses.
        """
        from evergreen.orchestrators.kubeflow.client import code_version

        request = record.request
        asked = {"requested_by": request.requested_by, "reason": request.reason}
        parameters = {"run": record.run_id, **asked}
        known = self._jobs.pop(record.run_id, [])  # listed anew if the answer is lost
        job = self._client.run(code_version(self.settings), parameters)
        self._jobs = {record.run_id: [*known, job]}
        self._asked = {}

    def stop(self, record: RunRecord, attempt: int) -> None:
        """As in `RemoteOrchestrator`."""
        if job := self._job(record, attempt):
            self._client.terminate(job)

    def logs(self, record: RunRecord, attempt: int) -> str:
        """As in `RemoteOrchestrator`."""
        return f"python kubeflow_runner.py logs {self._job(record, attempt) or record.job}"

    @property
    def _client(self) -> "Client":
        if self._connected is None:
            from evergreen.orchestrators.kubeflow.client import Client

            self._connected = Client(self.settings)
        return self._connected

    def _goes_on(self, job: str) -> bool:
        asked, now = self._asked.get(job), self._monotonic()
        if asked and (not asked.goes_on or now < asked.next):
            return asked.goes_on
        goes_on = self._is_active(job)
        poll = self.settings.triggers.poll_seconds
        wait = min(asked.wait * SLOWER, max(SLOWEST_SECONDS, poll)) if asked else poll
        self._asked[job] = _Asked(goes_on, now + wait, wait)
        return goes_on

    def _is_active(self, job: str) -> bool:
        from evergreen.orchestrators.kubeflow.api import KubeflowError
        from evergreen.orchestrators.kubeflow.client import ACTIVE

        try:
            return self._client.get(job).state in ACTIVE
        except KubeflowError as error:
            if error.status == NOT_FOUND:  # somebody has deleted it
                return False
            raise

    def _job(self, record: RunRecord, attempt: int) -> str | None:
        """Returns the job of a try; for a try that has no job yet, the last job while it runs.

        The controller counts tries that failed before they had a job, too. A run must not have
        two jobs at once.
        """
        if record.run_id not in self._jobs:
            newest_first = self._client.runs(since=record.created - CLOCKS_DIFFER)
            found = [str(job.run_id) for job in newest_first if _is_of(job, record)]
            self._jobs = {record.run_id: found[::-1]}
        jobs = self._jobs[record.run_id]
        if attempt < len(jobs):
            return jobs[attempt]
        return jobs[-1] if jobs and self._goes_on(jobs[-1]) else None


def _is_of(job: Any, record: RunRecord) -> bool:
    parameters = (job.runtime_config and job.runtime_config.parameters) or {}
    return bool(parameters.get("run") == record.run_id)
