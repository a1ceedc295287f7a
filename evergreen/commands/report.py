"""`evergreen report`: the page of a run."""

from typing import Annotated

import typer

from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.stores import Opened


def report(
    run_id: Annotated[str, typer.Argument(help="A run; the newest one if not given.")] = "",
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Writes the HTML report of a run again, and says where it is.

    Example: [bold]evergreen report[/bold]
    """
    here = Opened.of(project, config, overrides)

    from evergreen.errors import EvergreenError
    from evergreen.reporting import write_report

    record = here.lineage.record(run_id)
    outcome = record.outcome or "not ended"
    try:
        file = write_report(here.settings, here.store, record)
    except OSError as error:
        raise EvergreenError(
            f"reports.folder: {here.settings.reports.folder}: {error.strerror}.",
            hint="Another one: --set reports.folder=...",
        ) from error
    typer.echo(f"run {record.run_id} ({outcome}): {file}")
    typer.echo("next: open the file in a browser; it needs no network")
