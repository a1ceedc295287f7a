"""Shows runs and schedules of Kubeflow to people."""

from collections.abc import Iterable, Sequence
from itertools import islice

import kfp_server_api as kfp
from rich.markup import escape

from evergreen.screen import console, fitted, next_step, table

COLUMNS = ("run", "name", "state", "created")
OPTIONAL = ("created", "name")
"""What a narrow terminal does without; an id is never cut."""


def show_run(run: kfp.V2beta1Run) -> None:
    """Prints a run and its tasks, in order of their start."""
    out = console()
    out.print(f"[bold]{escape(run.display_name or run.run_id)}[/bold]: {_state(run.state)}")
    if run.error and run.error.message:
        out.print(f"  {escape(run.error.message)}", style="red")
    tasks = (run.run_details and run.run_details.task_details) or []
    shown = table("", "task", "state", "started", "ended", folds=("started", "ended"))
    for task in sorted(tasks, key=lambda task: (str(task.start_time or ""), task.task_id or "")):
        shown.add_row(
            escape(task.display_name or task.task_id),
            _state(task.state),
            str(task.start_time or ""),
            str(task.end_time or ""),
        )
    out.print(shown)
    next_step(f"python kubeflow_runner.py logs {run.run_id}")


def show_all(
    version: str,
    schedules: Sequence[kfp.V2beta1RecurringRun],
    runs: Iterable[kfp.V2beta1Run],
    shown: int,
) -> None:
    """Prints the version of the local code, the schedules, and the newest runs."""
    out = console()
    out.print(f"version of the code here: {version}", highlight=False)
    for schedule in schedules:
        cron = (
            schedule.trigger.cron_schedule.cron
            if schedule.trigger and schedule.trigger.cron_schedule
            else "?"
        )
        state = "on" if schedule.status != "DISABLED" else "off; deleted when its runs have ended"
        out.print(f"schedule {schedule.recurring_run_id}: {cron} ({state})", highlight=False)
    rows = [
        {
            "run": run.run_id,
            "name": escape(run.display_name or ""),
            "state": _state(run.state),
            "created": str(run.created_at),
        }
        for run in islice(runs, shown)
    ]
    out.print(fitted(COLUMNS, rows, ("name",), OPTIONAL, out.width), soft_wrap=False)
    next_step("python kubeflow_runner.py status RUN; the beginning of an id is enough")


def _state(state: str | None) -> str:
    return (state or "pending").lower()
