"""`evergreen report`: the page of a run."""

from typing import Annotated

import typer

from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project, read_settings


def report(
    run_id: Annotated[str, typer.Argument(help="A run; the newest one if not given.")] = "",
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Writes the HTML report of a run again, and says where it is.

    Example: [bold]evergreen report[/bold]
    """
    settings = read_settings(project, config, overrides)

    from evergreen.errors import EvergreenError
    from evergreen.lineage.records import RunRecords
    from evergreen.lineage.store import open_store
    from evergreen.reporting import write_report

    store = open_store(settings.metadata)
    records = RunRecords(store)
    record = records.get(run_id) if run_id else records.latest()
    if record is None:
        raise EvergreenError("there is no run yet.", hint="Make one: evergreen run")
    outcome = record.outcome or "not ended"
    try:
        file = write_report(settings, store, record)
    except OSError as error:
        raise EvergreenError(
            f"reports.folder: {settings.reports.folder}: {error.strerror}.",
            hint="Another one: --set reports.folder=...",
        ) from error
    typer.echo(f"run {record.run_id} ({outcome}): {file}")
    typer.echo("next: open the file in a browser; it needs no network")
