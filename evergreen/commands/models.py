"""`evergreen models`: the versions, their stages, and what the servers say of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.opening import Opened
from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.showing import Json, plain, print_json

if TYPE_CHECKING:
    from evergreen.lineage.stages import Event
    from evergreen.serving.states import Seen


def models(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    log: Annotated[bool, typer.Option("--log", help="Show every event, oldest first.")] = False,
    json: Json = False,
) -> None:
    """Lists the versions of the model: stage, state on the server, share of the traffic.

    With --log it lists the events that the stages follow from, with their reasons and numbers.

    Example: [bold]evergreen models --log[/bold]
    """
    here = Opened.of(project, config, overrides)

    from evergreen.serving.states import look

    if json:
        print_json([one.model_dump(mode="json") for one in here.lineage.versions()])
        return
    settings, events = here.settings, here.lineage.events()
    if log:
        _print_log(events)
    else:
        _print_versions(events, look(settings))
    typer.echo(f"next: {_next_step(events)}")


def _next_step(events: "list[Event]") -> str:
    from evergreen.lineage.stages import Stage, stages

    waiting = (Stage.CANARY, Stage.CANDIDATE)
    newest = max((v for v, stage in stages(events).items() if stage in waiting), default=None)
    if newest:
        return f"evergreen promote {newest}"
    return "evergreen models --log" if events else "evergreen run"


def _print_versions(events: "list[Event]", seen: "Seen") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from evergreen.lineage.stages import stages

    entered = {event.model.version: event for event in reversed(events)}
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("version", "stage", "server", "traffic", "pushed", "run"):
        table.add_column(name, no_wrap=name != "server")
    for version, stage in sorted(stages(events).items()):
        event = entered[version]
        share = f"{seen.shares[version]:.0%}" if version in seen.shares else "-"
        state = plain(seen.states.get(version, "-"))
        run = plain(event.evidence.get("run", "-"))
        table.add_row(str(version), stage, state, share, f"{event.when:%Y-%m-%d}", run)
    console = Console()
    console.print(table)
    for text in seen.silent:
        console.print(text, highlight=False, style="dim")


def _print_log(events: "list[Event]") -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for event in events:
        what = f"{event.action}: version {event.model.version} is {event.stage}"
        console.print(
            f"{event.when:%Y-%m-%d %H:%M:%S}  [bold]{what}[/bold]  by {plain(event.who)}: "
            f"{plain(event.why)}"
        )
        for name, value in event.evidence.items():
            console.print(f"    {name}: {plain(value)}")
