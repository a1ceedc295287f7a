"""`evergreen gc` and `doctor`: remove unneeded files, and find mismatches."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.errors import EvergreenError
from evergreen.exit_codes import ExitCode
from evergreen.screen import console, next_step, table
from evergreen.texts import plain

if TYPE_CHECKING:
    from evergreen.lineage.doctor import Fault
    from evergreen.lineage.retention import Leaving

SHOWN = 5
"""The most paths to list."""


@project_options
def gc(
    project: Project,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="The number of newest runs to keep; default: retention.runs."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them; by default they are only listed.")
    ] = False,
    json: Json = False,
) -> None:
    """Removes files that only old runs need, and files older than `retention` allows.

    Metadata and pushed versions stay. Models in use, the version that a rollback leads to, and all
    their sources stay; so does everything younger than a run that has not ended.

    Example: [bold]evergreen gc --keep 10[/bold]
    """
    from evergreen.lineage.old_files import OldFiles
    from evergreen.lineage.retention import Retention

    settings = project.settings
    keep = keep or settings.retention.runs
    retention = Retention(
        project.store, settings.model.name, settings.pipeline.name, settings.pipeline.root
    )
    old_files = OldFiles(settings, project.store, datetime.now(UTC))
    leaving, old = retention.find(keep), old_files.find()
    if yes:
        retention.carry_out(leaving)
        old = [file for file in old if old_files.remove(file)]
    if json:
        places = [
            {"id": artifact.id, "type": artifact.type, "uri": artifact.uri}
            for artifact in leaving.artifacts
        ]
        files = [{"kind": file.kind, "path": str(file.place), "bytes": file.size} for file in old]
        print_json({"removed": yes, "bytes": leaving.size, "artifacts": places, "files": files})
        return
    kinds = Counter(artifact.type for artifact in leaving.artifacts)
    _show_leaving(leaving, kinds + Counter(file.kind for file in old))
    what = "removed" if yes else "may go"
    typer.echo(
        f"{len(leaving.artifacts)} artifacts {what}, {_size(leaving.size)}; {leaving.kept} stay"
    )
    if old:
        typer.echo(f"{len(old)} old files {what}, {_size(sum(file.size for file in old))}")
    again = not yes and (leaving.artifacts or old)
    next_step(f"evergreen gc --keep {keep} --yes" if again else "evergreen doctor")


def _is_repaired(fault: "Fault") -> bool:
    """Repairs what can be repaired; a failure does not stop further repairs."""
    if fault.repair is None:
        return False
    try:
        fault.repair()
    except EvergreenError as error:
        typer.echo(f"not repaired: {plain(str(error))} {plain(error.hint)}", err=True)
        return False
    return True


def _show_leaving(leaving: "Leaving", kinds: Counter[str]) -> None:
    if kinds:
        shown = table("", "go>")
        for kind, number in sorted(kinds.items()):
            shown.add_row(plain(kind), str(number))
        console().print(shown)
    if leaving.strange:
        typer.echo(f"{len(leaving.strange)} artifacts are not surely ours, and stay:")
        for place in leaving.strange[:SHOWN]:
            typer.echo(f"  {plain(place)}")
    if leaving.open_runs:
        runs = ", ".join(plain(run) for run in sorted(leaving.open_runs))
        typer.echo(f"what these runs may need stays, for they have not ended: {runs}")


def _size(number: int) -> str:
    return f"{number / (1 << 20):.1f} MiB"


@project_options
def doctor(
    project: Project,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is safe.")] = False,
    moved_from: Annotated[
        Path | None,
        typer.Option(help="The former pipeline.root, to record that it was moved."),
    ] = None,
    json: Json = False,
) -> None:
    """Finds mismatches between metadata, files and pushed versions.

    Exit code 6 if something is left.

    Example: [bold]evergreen doctor --repair[/bold]
    """
    from evergreen.lineage.doctor import Doctor

    doctor_ = Doctor(project.settings, project.store)
    if moved_from:
        number = doctor_.take_over(moved_from)
        typer.echo(
            f"{number} artifacts are recorded below {project.settings.pipeline.root} now", err=json
        )
    found = doctor_.examine()
    repaired = [fault for fault in found if repair and _is_repaired(fault)]
    left = [fault for fault in found if fault not in repaired]
    if json:
        print_json(
            [
                {"kind": fault.kind, "what": fault.what, "hint": fault.hint}
                | {"safe": fault.repair is not None, "repaired": fault in repaired}
                for fault in found
            ]
        )
        raise typer.Exit(ExitCode.FOUND if left else ExitCode.DONE)
    out = console()
    for fault in found:
        mark = "[green]repaired[/green]" if fault in repaired else f"[yellow]{fault.kind}[/yellow]"
        out.print(f"{mark}  {plain(fault.what)}" + (f"; {plain(fault.hint)}" if fault.hint else ""))
    things = "1 thing does" if len(found) == 1 else f"{len(found)} things do"
    out.print(f"{things} not match" if found else "everything matches")
    safe = any(fault.repair for fault in left)
    hint = next((fault.hint for fault in left if fault.hint), "evergreen runs")
    next_step("evergreen doctor --repair" if safe else hint)
    raise typer.Exit(ExitCode.FOUND if left else ExitCode.DONE)
