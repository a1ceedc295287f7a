"""`evergreen models`: lists the versions, their stages, and their states on the servers."""

from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands import export, versions
from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.commands.versions import print_evidence
from evergreen.errors import SettingsError
from evergreen.screen import console, fitted, next_step
from evergreen.texts import plain

if TYPE_CHECKING:
    from evergreen.lineage.stages import Event
    from evergreen.serving.states import Seen


app = typer.Typer(invoke_without_command=True)
COLUMNS = ("version", "stage", "server", "traffic", "pushed", "run")
OPTIONAL = ("pushed", "traffic", "server")
"""What a narrow terminal does without."""
app.command()(versions.history)
app.command()(versions.diff)
app.command()(export.export)


@app.callback()
@project_options
def models(
    project: Project,
    context: typer.Context,
    log: Annotated[bool, typer.Option("--log", help="Show every event, oldest first.")] = False,
    json: Json = False,
) -> None:
    """Lists the versions of the model: stage, state on the server, share of the traffic.

    With --log it lists the events behind the stages, with their reasons and figures.

    Example: [bold]evergreen models --log[/bold]
    """
    if context.invoked_subcommand:
        _refuse_options(context, context.invoked_subcommand)
        return
    from evergreen.serving.states import look

    if json:
        print_json([version.model_dump(mode="json") for version in project.lineage.versions()])
        return
    settings, events = project.settings, project.lineage.events()
    if log:
        _print_log(events)
    else:
        _print_versions(events, look(settings))
    next_step(_next_step(events))


def _refuse_options(context: typer.Context, command: str) -> None:
    """Refuses options before a sub-command, which would not reach it."""
    given = [
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]
    if given:
        raise SettingsError(
            f"models {', '.join(given)} {command}: {command} does not see what stands before it.",
            hint=f"Options come last: evergreen models {command} ...",
        )


def _next_step(events: "list[Event]") -> str:
    from evergreen.lineage.stages import Stage, stages

    waiting = (Stage.CANARY, Stage.CANDIDATE)
    newest = max((v for v, stage in stages(events).items() if stage in waiting), default=None)
    if newest:
        return f"evergreen promote {newest}"
    return "evergreen models --log" if events else "evergreen run"


def _print_versions(events: "list[Event]", seen: "Seen") -> None:
    from evergreen.lineage.stages import stages

    entered = {event.model.version: event for event in reversed(events)}
    rows = []
    for version, stage in sorted(stages(events).items()):
        event = entered[version]
        share = f"{seen.shares[version]:.0%}" if version in seen.shares else "-"
        state = plain(seen.states.get(version, "-"))
        run = plain(event.evidence.get("run", "-"))
        cells = (str(version), stage, state, share, f"{event.when:%Y-%m-%d}", run)
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    out = console()
    out.print(fitted(COLUMNS, rows, ("server",), OPTIONAL, out.width), soft_wrap=False)
    for text in seen.silent:
        out.print(text, markup=False, style="dim")


def _print_log(events: "list[Event]") -> None:
    out = console()
    for event in events:
        what = f"{event.action}: version {event.model.version} is {event.stage}"
        out.print(
            f"{event.when:%Y-%m-%d %H:%M:%S}  [bold]{what}[/bold]  by {plain(event.who)}: "
            f"{plain(event.why)}"
        )
        print_evidence(event)
