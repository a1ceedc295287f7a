"""`evergreen resume`: resumes a run that failed, was killed or interrupted."""

from typing import Annotated

import typer

from evergreen.commands.execution import execute
from evergreen.commands.project import Project, project_options


@project_options
def resume(
    project: Project,
    run_id: Annotated[
        str,
        typer.Argument(
            help="A run of `evergreen runs`, or how its id begins; the newest if not given."
        ),
    ] = "",
    rerun_from: Annotated[
        str, typer.Option("--from", help="Execute this node and those after it, finished or not.")
    ] = "",
) -> None:
    """Resumes a run under its own id, with its original settings and inputs.

    Finished nodes are not executed again. Exit codes are those of [bold]evergreen run[/bold].

    Example: [bold]evergreen resume[/bold]
    """
    from evergreen.running.resumption import check_overrides, settings_of

    found = project.lineage.record(run_id).run_id
    settings = settings_of(project.settings, project.store, found)
    check_overrides(project.overrides, project.settings, settings)
    raise typer.Exit(execute(settings, lambda runner: runner.resume(found, rerun_from)))
