"""Runs on Kubeflow: the controller plans them, the cluster carries them out.

The parameter `run` of a job names the run record. So a job that was submitted is found again, also
by a controller that knows nothing of it.
"""

from typing import Any

from evergreen.orchestrators.kubeflow.client import ACTIVE, Client, code_version
from evergreen.planning.plan import RunRecord
from evergreen.settings import Settings
from evergreen.triggers.launching import Progress


class KubeflowLauncher:
    """Submits runs of the deployed version of the code that is here."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = Client(settings)

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        """As of `Launcher`."""
        job = self._job(record, attempt)
        if job is None:
            return Progress.ABSENT
        return Progress.GOES_ON if job.state in ACTIVE else Progress.STOPPED

    def launch(self, record: RunRecord, attempt: int) -> None:
        """As of `Launcher`.

        Raises:
            KubeflowError: If the version of the code is not deployed, or the API refuses.
        """
        request = record.request
        asked = {"requested_by": request.requested_by, "reason": request.reason}
        self._client.run(code_version(self._settings), {"run": record.run_id, **asked})

    def stop(self, record: RunRecord, attempt: int) -> None:
        """As of `Launcher`."""
        if job := self._job(record, attempt):
            self._client.terminate(job.run_id)

    def close(self) -> None:
        """Leaves what goes on alone: the cluster carries it on."""

    def _job(self, record: RunRecord, attempt: int) -> Any:
        """The try of a run, by its number."""
        newest_first = [job for job in self._client.runs() if _is_of(job, record)]
        jobs = newest_first[::-1]
        return jobs[attempt] if attempt < len(jobs) else None


def _is_of(job: Any, record: RunRecord) -> bool:
    parameters = (job.runtime_config and job.runtime_config.parameters) or {}
    return bool(parameters.get("run") == record.run_id)
