"""Shows runs and schedules of Kubeflow to people."""

from collections.abc import Iterable, Sequence
from itertools import islice

import kfp_server_api as kfp
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show_run(run: kfp.V2beta1Run) -> None:
    """Prints a run and its tasks, in order of their start."""
    console = Console()
    console.print(f"[bold]{escape(run.display_name or run.run_id)}[/bold]: {_state(run.state)}")
    if run.error and run.error.message:
        console.print(f"  {escape(run.error.message)}", style="red")
    tasks = (run.run_details and run.run_details.task_details) or []
    table = Table("task", "state", "started", "ended")
    for task in sorted(tasks, key=lambda task: (str(task.start_time or ""), task.task_id or "")):
        table.add_row(
            escape(task.display_name or task.task_id),
            _state(task.state),
            str(task.start_time or ""),
            str(task.end_time or ""),
        )
    console.print(table)
    console.print(f"next: python kubeflow_runner.py logs {run.run_id}", highlight=False)


def show_all(
    version: str,
    schedules: Sequence[kfp.V2beta1RecurringRun],
    runs: Iterable[kfp.V2beta1Run],
    shown: int,
) -> None:
    """Prints the version of the local code, the schedules, and the newest runs."""
    console = Console()
    console.print(f"version of the code here: {version}", highlight=False)
    for one in schedules:
        cron = one.trigger.cron_schedule.cron if one.trigger and one.trigger.cron_schedule else "?"
        state = "on" if one.status != "DISABLED" else "off; deleted when its runs have ended"
        console.print(f"schedule {one.recurring_run_id}: {cron} ({state})", highlight=False)
    table = Table("run", "name", "state", "created")
    for run in islice(runs, shown):
        table.add_row(
            run.run_id, escape(run.display_name or ""), _state(run.state), str(run.created_at)
        )
    console.print(table)
    console.print("next: python kubeflow_runner.py status RUN", highlight=False)


def _state(state: str | None) -> str:
    return (state or "pending").lower()
