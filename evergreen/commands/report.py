"""`evergreen report`: writes the page of a run."""

from typing import Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.screen import next_step


@project_options
def report(
    project: Project,
    run_id: Annotated[
        str, typer.Argument(help="A run, or how its id begins; the newest if not given.")
    ] = "",
) -> None:
    """Writes the HTML report of a run again, and prints its path.

    Example: [bold]evergreen report[/bold]
    """
    from evergreen.errors import EvergreenError
    from evergreen.reporting import write_report

    record = project.lineage.record(run_id)
    outcome = record.outcome or "not ended"
    try:
        file = write_report(project.settings, project.store, record)
    except OSError as error:
        raise EvergreenError(
            f"reports.folder: {project.settings.reports.folder}: {error.strerror}.",
            hint="Another one: --set reports.folder=...",
        ) from error
    typer.echo(f"run {record.run_id} ({outcome}): {file}")
    next_step("open the file in a browser; it needs no network")
