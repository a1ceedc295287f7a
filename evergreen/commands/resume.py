"""`evergreen resume`: goes on with a run that failed, was killed or interrupted."""

from typing import Annotated

import typer

from evergreen.commands.execution import execute
from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.stores import Opened


def resume(
    run_id: Annotated[
        str, typer.Argument(help="A run, of `evergreen runs`; the newest if not given.")
    ] = "",
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    rerun_from: Annotated[
        str, typer.Option("--from", help="Execute this node and those after it, finished or not.")
    ] = "",
) -> None:
    """Goes on with a run under its own id: with the settings and inputs that it was planned with.

    Finished nodes are not executed again. Exit codes are those of [bold]evergreen run[/bold].

    Example: [bold]evergreen resume[/bold]
    """
    here = Opened.of(project, config, overrides)

    from evergreen.running.resumption import check_overrides, settings_of

    found = here.lineage.record(run_id).run_id
    settings = settings_of(here.settings, here.store, found)
    check_overrides(overrides, here.settings, settings)
    raise typer.Exit(execute(settings, lambda runner: runner.resume(found, rerun_from)))
