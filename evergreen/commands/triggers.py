"""`evergreen triggers`: what starts runs, what it has started and why, and starting one."""

from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import (
    HERE,
    LOCAL,
    Config,
    Overrides,
    Project,
    line,
    read_settings,
    user,
)
from evergreen.visible import visible

if TYPE_CHECKING:
    from ml_metadata.metadata_store import MetadataStore

    from evergreen.settings import Settings
    from evergreen.triggers.log import TriggerLog

app = typer.Typer(no_args_is_help=True, help="What starts runs, and what it has started.")
SHOWN = 20
MOST = 2000
"""Characters of a line of a story."""


@app.command(name="list")
def list_(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Lists the triggers that are switched on, and when each fired last and is due next.

    Example: [bold]evergreen triggers list[/bold]
    """
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from evergreen.triggers import configured
    from evergreen.triggers.event import MANUAL

    settings, store, log = _open(project, config, overrides)
    found = {one.name: one for one in configured.triggers(settings, store, log)}
    table = Table("trigger", "events", "last", "next")
    for name in (MANUAL, *found):
        events = [event for event in log.events.values() if event.trigger == name]
        last = f"{events[-1].time:%Y-%m-%d %H:%M}" if events else "-"
        due = found[name].due(datetime.now(UTC)) if name in found else None
        table.add_row(name, str(len(events)), last, f"{due:%Y-%m-%d %H:%M %Z}" if due else "-")
    Console().print(table)
    typer.echo("next: evergreen triggers history")


@app.command()
def history(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    last: Annotated[int, typer.Option(help="How many entries to show.")] = SHOWN,
) -> None:
    """Shows the log: events, decisions, runs and their outcomes, oldest first.

    Example: [bold]evergreen triggers history --last 50[/bold]
    """
    from evergreen.triggers.story import line, when

    _, _, log = _open(project, config, overrides)
    for entry in log.entries[-last:]:
        typer.echo(f"{when(entry):%Y-%m-%d %H:%M:%S}  {visible(line(entry))}")
    if not log.entries:
        typer.echo("nothing has happened yet")
    typer.echo("next: evergreen triggers explain ID")


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help="An event, or the run it started.")],
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Tells the whole story: event, evidence, decision, window, run, gates, canary, outcome.

    Example: [bold]evergreen triggers explain new-data-1f0c5b9e[/bold]
    """
    from evergreen.triggers.story import story

    settings, store, log = _open(project, config, overrides)
    for about, words in story(settings, store, log, name):
        typer.echo(f"{visible(about):<10}{visible(words, MOST)}")


@app.command()
def fire(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    reason: Annotated[str, typer.Option(help="Why, for the record.", callback=line)] = "on demand",
    key: Annotated[
        str,
        typer.Option(
            help="The same key again is the same event; a new one if not given.", callback=line
        ),
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Even if it was done before, and without the cache.")
    ] = False,
    ingest: Annotated[bool, typer.Option("--ingest", help="Only ingest what is new.")] = False,
) -> None:
    """Asks the controller for a run; it decides as for any event.

    Example: [bold]evergreen triggers fire --reason "a new feature"[/bold]
    """
    import uuid
    from datetime import UTC, datetime

    from evergreen.triggers.event import fired_event
    from evergreen.triggers.signals import wake

    settings, _, log = _open(project, config, overrides)
    event = fired_event(
        key or uuid.uuid4().hex, datetime.now(UTC), user(), reason, train=not ingest, force=force
    )
    event = log.notice(event)
    wake(settings)
    typer.echo(f"event {visible(event.id)}: an `evergreen watch` that runs decides about it")
    typer.echo(f"next: evergreen triggers explain {visible(event.id)}")


def _open(
    project: "Project", config: list[str], overrides: list[str]
) -> "tuple[Settings, MetadataStore, TriggerLog]":
    settings = read_settings(project, config, overrides)

    from evergreen.lineage.store import open_store
    from evergreen.triggers.log import TriggerLog

    store = open_store(settings.metadata)
    log = TriggerLog(store, settings.model.name)
    log.refresh()
    return settings, store, log
