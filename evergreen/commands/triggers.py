"""`evergreen triggers`: lists triggers and their history, explains and fires events."""

from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import line, user
from evergreen.commands.project import Project, project_options
from evergreen.screen import console, next_step, table
from evergreen.texts import moment, visible

if TYPE_CHECKING:
    from evergreen.triggers.log import TriggerLog

app = typer.Typer(no_args_is_help=True, help="What starts runs, and what it has started.")
SHOWN = 20
MOST = 2000
"""The longest line of a story, in characters."""


@app.command(name="list")
@project_options
def list_(project: Project) -> None:
    """Lists the active triggers, and when each last fired and is due next.

    Example: [bold]evergreen triggers list[/bold]
    """
    from datetime import UTC, datetime

    from evergreen.triggers import configured
    from evergreen.triggers.event import MANUAL

    log = _log(project)
    triggers = configured.triggers(project.settings, project.store, log)
    found = {trigger.name: trigger for trigger in triggers}
    shown = table("", "trigger", "events>", "last", "next")
    for name in (MANUAL, *found):
        events = [event for event in log.events.values() if event.trigger == name]
        last = moment(events[-1].time) if events else "-"
        due = found[name].due(datetime.now(UTC)) if name in found else None
        shown.add_row(name, str(len(events)), last, moment(due) if due else "-")
    console().print(shown)
    next_step("evergreen triggers history")


@app.command()
@project_options
def history(
    project: Project,
    last: Annotated[int, typer.Option(help="The number of entries to show.")] = SHOWN,
) -> None:
    """Shows the log: events, decisions, runs and their outcomes, oldest first.

    Example: [bold]evergreen triggers history --last 50[/bold]
    """
    from evergreen.triggers.story import line, when

    log = _log(project)
    for entry in log.entries[-last:]:
        typer.echo(f"{moment(when(entry))}  {visible(line(entry))}")
    if not log.entries:
        typer.echo("nothing has happened yet")
    next_step("evergreen triggers explain ID")


@app.command()
@project_options
def explain(
    project: Project,
    name: Annotated[
        str,
        typer.Argument(metavar="ID", help="An event or the run it started, or how its id begins."),
    ],
) -> None:
    """Tells the whole story: event, evidence, decision, window, run, gates, canary, outcome.

    Example: [bold]evergreen triggers explain new-data-1f0c5b9e[/bold]
    """
    from evergreen.triggers.story import story

    for about, words in story(project.settings, project.store, _log(project), name):
        typer.echo(f"{visible(about):<10}{visible(words, MOST)}")


@app.command()
@project_options
def fire(
    project: Project,
    reason: Annotated[
        str, typer.Option(help="The reason, for the record.", callback=line)
    ] = "on demand",
    key: Annotated[
        str,
        typer.Option(
            help="The event's key: the same key is the same event; a new one by default.",
            callback=line,
        ),
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Repeat what was done before, without the cache.")
    ] = False,
    ingest: Annotated[bool, typer.Option("--ingest", help="Only ingest new spans.")] = False,
) -> None:
    """Asks the controller for a run; it decides as for any event.

    Example: [bold]evergreen triggers fire --reason "a new feature"[/bold]
    """
    import uuid
    from datetime import UTC, datetime

    from evergreen.triggers.event import fired_event
    from evergreen.triggers.signals import wake

    log = _log(project)
    event = fired_event(
        key or uuid.uuid4().hex, datetime.now(UTC), user(), reason, train=not ingest, force=force
    )
    event = log.notice(event)
    wake(project.settings)
    typer.echo(f"event {visible(event.id)}: an `evergreen watch` that runs decides about it")
    next_step(f"evergreen triggers explain {event.id}")


def _log(project: Project) -> "TriggerLog":
    from evergreen.triggers.log import TriggerLog

    log = TriggerLog(project.store, project.settings.model.name)
    log.refresh()
    return log
