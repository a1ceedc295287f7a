"""`evergreen models history` and `diff`: show the history of a version, and compare versions."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.compare import pairs_table, print_comparison
from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.screen import console, next_step
from evergreen.texts import plain

if TYPE_CHECKING:
    from evergreen.lineage.stages import Event, Stay

Version = Annotated[int, typer.Argument(help="A version, of `evergreen models`.")]


@project_options
def history(
    project: Project,
    version: Version,
    json: Json = False,
) -> None:
    """Shows the stages of a version: since when, how long, by whom and why.

    Example: [bold]evergreen models history 2[/bold]
    """
    found = project.lineage.version(version)
    if json:
        print_json(found.model_dump(mode="json"))
        return
    out = console()
    out.print(f"[bold]version {version}[/bold]  {found.stage or 'never registered'}")
    files = str(found.folder(project.settings.serving.base_path)) if found.path else ""
    for name, text in (("run", project.lineage.run_of(found)), ("files", files)):
        out.print(f"  {name:<6} {plain(text or 'not known')}")
    for stay in found.stays:
        _print_stay(stay, version)
    next_step(f"evergreen lineage {version}")


@project_options
def diff(
    project: Project,
    first: Version,
    other: Version,
    json: Json = False,
) -> None:
    """Compares any two versions: their history, and the runs that made them.

    Example: [bold]evergreen models diff 1 2[/bold]
    """
    from evergreen.reporting.versions import diff as diff_versions

    found = diff_versions(project.settings, project.store, first, other)
    if json:
        print_json(found.model_dump(mode="json"))
        return
    names = f"version {first}", f"version {other}"
    console().print(pairs_table(f"versions {first} and {other}", found.registry, names))
    if found.runs:
        print_comparison(found.runs, names)
    next_step(f"evergreen models history {other}")


def print_evidence(event: "Event") -> None:
    """Shows the evidence of an event."""
    for name, value in event.evidence.items():
        console().print(f"    {plain(name)}: {plain(value)}")


def _print_stay(stay: "Stay", version: int) -> None:
    from evergreen.texts import duration, moment

    event = stay.event
    took = duration(stay.seconds(datetime.now(UTC)))
    length = f"for {took}" if stay.until else f"{took} by now"
    cause = "" if event.model.version == version else f" of version {event.model.version}"
    out = console()
    out.print(f"{moment(event.when)}  [bold]{stay.stage}[/bold]  {length}")
    out.print(f"  {event.action}{cause} by {plain(event.who)}: {plain(event.why)}")
    print_evidence(event)
