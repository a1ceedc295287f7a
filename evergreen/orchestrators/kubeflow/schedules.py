"""The schedule: a recurring run, whose first task finds what is new.

Kubeflow cannot change a recurring run, and deleting one kills the runs that it started. So a new
one replaces the old one, which is disabled at once, and deleted by a later command when all its
runs have ended.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import kfp_server_api as kfp

from evergreen.orchestrators.kubeflow.api import KubeflowError
from evergreen.orchestrators.kubeflow.client import ACTIVE, Client
from evergreen.settings.kubeflow import KubeflowSettings

Schedule: TypeAlias = Any  # kfp.V2beta1RecurringRun; the package has no types
CRON_FIELDS = 6
"""Kubeflow's cron starts with seconds."""


class Schedules:
    """The recurring runs of one pipeline."""

    def __init__(self, client: Client, settings: KubeflowSettings) -> None:
        self._client = client
        self._api = client.api
        self._account = settings.service_account

    def all(self) -> list[Schedule]:
        """Returns all, including disabled ones that wait for deletion."""
        listed = self._api.all(
            self._api.recurring.recurring_run_service_list_recurring_runs,
            "recurring_runs",
            experiment_id=self._client.experiment(),
        )
        return [schedule for schedule in listed if schedule.display_name == self._client.name]

    def replace(self, name: str, cron: str, parameters: Mapping[str, Any]) -> Schedule:
        """Replaces the schedules by a new one.

        Runs missed while it was off are not made up for, and at most one runs at a time: each plans
        everything that is new.

        Args:
            name: The deployed version to run.
            cron: `minute hour day month weekday`, optionally preceded by seconds; in UTC.
            parameters: The parameters of each run.

        Raises:
            KubeflowError: If the version is not deployed or the API refuses; the old schedule is
                unchanged then.
        """
        body = self._body(name, cron, parameters)
        on = [schedule for schedule in self.all() if schedule.status != "DISABLED"]
        for schedule in on:
            self._disable(schedule)
        try:
            made = self._api.call(
                self._api.recurring.recurring_run_service_create_recurring_run, body
            )
        except KubeflowError:
            for schedule in on:
                self._api.call(
                    self._api.recurring.recurring_run_service_enable_recurring_run,
                    schedule.recurring_run_id,
                )
            raise
        self.tidy()
        return made

    def stop(self) -> None:
        """Disables all schedules; runs under way are not touched."""
        for schedule in self.all():
            self._disable(schedule)
        self.tidy()

    def tidy(self) -> list[Schedule]:
        """Deletes disabled schedules without active runs; returns the schedules that are left."""
        disabled = [schedule for schedule in self.all() if schedule.status == "DISABLED"]
        busy = {run.recurring_run_id for run in self._client.runs() if run.state in ACTIVE}
        left = [schedule for schedule in disabled if schedule.recurring_run_id in busy]
        for schedule in disabled:
            if schedule not in left:
                self._api.call(
                    self._api.recurring.recurring_run_service_delete_recurring_run,
                    schedule.recurring_run_id,
                )
        return left

    def _disable(self, schedule: Schedule) -> None:
        if schedule.status != "DISABLED":
            self._api.call(
                self._api.recurring.recurring_run_service_disable_recurring_run,
                schedule.recurring_run_id,
            )

    def _body(self, name: str, cron: str, parameters: Mapping[str, Any]) -> Schedule:
        seconds = "" if len(cron.split()) == CRON_FIELDS else "0 "
        return kfp.V2beta1RecurringRun(
            display_name=self._client.name,
            experiment_id=self._client.experiment(),
            pipeline_version_reference=self._client.reference(name),
            runtime_config=kfp.V2beta1RuntimeConfig(parameters=dict(parameters)),
            trigger=kfp.V2beta1Trigger(
                cron_schedule=kfp.V2beta1CronSchedule(cron=f"{seconds}{cron}")
            ),
            mode=kfp.RecurringRunMode.ENABLE,
            max_concurrency="1",
            no_catchup=True,
            service_account=self._account,
        )
