"""`evergreen stop`: stops a run that is carried out elsewhere."""

from typing import Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.screen import next_step


@project_options
def stop(
    project: Project,
    run_id: Annotated[str, typer.Argument(help="A run of `evergreen runs`, or how its id begins.")],
) -> None:
    """Stops a run of a remote orchestrator, such as Kubeflow, and waits for its end.

    [bold]evergreen resume[/bold] resumes it. A run here ends by Ctrl-C.

    Example: [bold]evergreen stop 20260101-120000[/bold]
    """
    from evergreen.running.resumption import settings_of
    from evergreen.running.stop import stop as stop_run

    found = project.lineage.record(run_id).run_id
    stopped = stop_run(settings_of(project.settings, project.store, found), project.store, found)
    typer.echo(f"run {stopped.run_id} has ended: {stopped.outcome}.")
    next_step(f"evergreen {'resume' if stopped.can_go_on else 'show'} {stopped.run_id}")
