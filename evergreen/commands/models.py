"""`evergreen models`: lists the versions, their stages, and their states on the servers."""

from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands import export, versions
from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.commands.versions import print_evidence
from evergreen.errors import SettingsError
from evergreen.screen import console, fitted, next_step
from evergreen.texts import moment, plain

if TYPE_CHECKING:
    from evergreen.lineage.stages import Event
    from evergreen.serving.states import Seen


app = typer.Typer(invoke_without_command=True)
COLUMNS = ("version", "stage", "server", "traffic", "pushed", "run")
WAITING = ("canary", "candidate")
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
    """Lists the versions of models: stage, state on the server, share of the traffic.

    They are those of all use cases, or of the one that is named.

    With --log it lists the events behind the stages, with their reasons and figures.

    Example: [bold]evergreen models --log[/bold]
    """
    if context.invoked_subcommand:
        _refuse_options(context, context.invoked_subcommand)
        return
    if json:
        print_json(
            [
                {"model": member.settings.model.name, **version.model_dump(mode="json")}
                for member in project.members
                for version in member.lineage.versions()
            ]
        )
        return
    for member in project.members:
        _show(member, log=log, with_name=len(project.members) > 1)
    next_step(_next_step(project))


def _show(project: Project, *, log: bool, with_name: bool) -> None:
    from evergreen.serving.states import look

    events = project.lineage.events()
    if with_name:
        console().print(f"[bold]{project.settings.model.name}[/bold]")
    if log:
        _print_log(events)
    else:
        _print_versions(events, look(project.settings))


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


def _next_step(project: Project) -> str:
    from evergreen.lineage.stages import stages

    logs = {member.settings.use_case: member.lineage.events() for member in project.members}
    for name, events in logs.items():
        found = [
            number for number, stage in stages(events).items() if stage in ("canary", "candidate")
        ]
        if found:
            return f"evergreen promote {max(found)}" + (f" -u {name}" if len(logs) > 1 else "")
    return "evergreen models --log" if any(logs.values()) else "evergreen run"


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
            f"{moment(event.when)}  [bold]{what}[/bold]  by {plain(event.who)}: {plain(event.why)}"
        )
        print_evidence(event)
