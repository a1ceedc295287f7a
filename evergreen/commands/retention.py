"""`evergreen gc` and `doctor`: removes what nobody needs, finds what does not match."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from evergreen.commands.opening import Opened
from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.showing import Json, console, next_step, plain, print_json, table

SHOWN = 5
"""Places that are listed."""


def gc(
    keep: Annotated[int, typer.Option(min=1, help="The newest runs keep all of theirs.")],
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown.")] = False,
    json: Json = False,
) -> None:
    """Removes the files of artifacts that only old runs need; metadata and pushed versions stay.

    Models in use, the one to go back to, and all that they were made of stay; so does what is
    younger than a run that has not ended.

    Example: [bold]evergreen gc --keep 10[/bold]
    """
    here = Opened.of(project, config, overrides)

    from evergreen.lineage.retention import Retention

    settings = here.settings
    retention = Retention(
        here.store, settings.model.name, settings.pipeline.name, settings.pipeline.root
    )
    leaving = retention.find(keep)
    kinds = Counter(one.type for one in leaving.artifacts)
    if yes:
        retention.carry_out(leaving)
    if json:
        places = [{"id": one.id, "type": one.type, "uri": one.uri} for one in leaving.artifacts]
        print_json({"removed": yes, "bytes": leaving.size, "artifacts": places})
        return
    if kinds:
        shown = table("", "artifacts", "number>")
        for kind, number in sorted(kinds.items()):
            shown.add_row(plain(kind), str(number))
        console().print(shown)
    what = "removed" if yes else "may go"
    size = f"{leaving.size / (1 << 20):.1f} MiB"
    typer.echo(f"{len(leaving.artifacts)} artifacts {what}, {size}; {leaving.kept} stay")
    if leaving.strange:
        typer.echo(f"{len(leaving.strange)} more are not surely ours, and stay:")
        for place in leaving.strange[:SHOWN]:
            typer.echo(f"  {plain(place)}")
    if leaving.open_runs:
        runs = ", ".join(plain(one) for one in sorted(leaving.open_runs))
        typer.echo(f"what these runs may need stays, for they have not ended: {runs}")
    again = not yes and leaving.artifacts
    next_step(f"evergreen gc --keep {keep} --yes" if again else "evergreen doctor")


def doctor(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is safe.")] = False,
    moved_from: Annotated[
        Path | None,
        typer.Option(help="Record that pipeline.root was moved: where it was before."),
    ] = None,
    json: Json = False,
) -> None:
    """Finds what does not match between metadata, files and pushed versions.

    Exit code 1 if something is left.

    Example: [bold]evergreen doctor --repair[/bold]
    """
    here = Opened.of(project, config, overrides)

    from evergreen.lineage.doctor import Doctor

    doctor_ = Doctor(here.settings, here.store)
    if moved_from:
        number = doctor_.take_over(moved_from)
        typer.echo(
            f"{number} artifacts are recorded below {here.settings.pipeline.root} now", err=json
        )
    found = doctor_.examine()
    repaired = [one for one in found if repair and one.repair]
    for one in repaired:
        assert one.repair is not None
        one.repair()
    left = [one for one in found if one not in repaired]
    if json:
        print_json(
            [
                {"kind": one.kind, "what": one.what, "hint": one.hint}
                | {"safe": one.repair is not None, "repaired": one in repaired}
                for one in found
            ]
        )
        raise typer.Exit(int(bool(left)))
    out = console()
    for one in found:
        mark = "[green]repaired[/green]" if one in repaired else f"[yellow]{one.kind}[/yellow]"
        out.print(f"{mark}  {plain(one.what)}" + (f"; {plain(one.hint)}" if one.hint else ""))
    out.print(f"{len(found)} things do not match" if found else "everything matches")
    safe = any(one.repair for one in left)
    next_step("evergreen doctor --repair" if safe else "evergreen runs")
    raise typer.Exit(int(bool(left)))
