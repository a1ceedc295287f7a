"""`evergreen models export`: exports the registry to other tools."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.errors import SettingsError
from evergreen.screen import console, next_step, table
from evergreen.texts import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evergreen.lineage.stages import Stage


class Registries(StrEnum):
    """The registries to export to."""

    MLFLOW = "mlflow"


@project_options
def export(
    project: Project,
    to: Annotated[Registries, typer.Option(help="Which registry.")],
    uri: Annotated[str, typer.Option(help="Its address, such as http://127.0.0.1:5000.")],
    alias: Annotated[
        list[str] | None,
        typer.Option(metavar="STAGE=ALIAS", help="The alias of a stage there; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Writes versions, stages, metrics, lineage and models into another registry.

    Run it again after changes: what is there already is left alone.

    Example: [bold]evergreen models export --to mlflow --uri http://127.0.0.1:5000[/bold]
    """
    aliases = _aliases(alias)
    from evergreen.exporting.mlflow import export as export_to_mlflow

    done = export_to_mlflow(project.settings, project.store, uri, aliases)
    if json:
        print_json([version.model_dump(mode="json") for version in done])
        return
    shown = table("", "version", f"{to.value} version", "aliases", "", folds=("",))
    for version in done:
        names = ", ".join(map(plain, version.aliases))
        shown.add_row(
            str(version.version), plain(version.there or "-"), names, plain(version.outcome)
        )
    console().print(shown)
    next_step("evergreen models")


def _aliases(given: list[str] | None) -> "Mapping[Stage, str]":
    from evergreen.exporting.mlflow import ALIASES
    from evergreen.lineage.stages import Stage

    pairs = dict(text.partition("=")[::2] for text in given or ())
    known = {stage.value for stage in Stage}
    for stage, name in pairs.items():
        if stage not in known or not name:
            raise SettingsError(
                f"--alias {stage}={name}: is no stage and its alias.",
                hint=f"Stages are {', '.join(sorted(known))}: --alias serving=champion",
            )
    found = {**ALIASES, **{Stage(stage): name for stage, name in pairs.items()}}
    if len({*found.values()}) < len(found):
        raise SettingsError(
            f"--alias: two stages have the same one: {', '.join(found.values())}.",
            hint="An alias leads to one version: give each stage its own.",
        )
    return found
