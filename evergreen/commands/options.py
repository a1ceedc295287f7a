"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evergreen.settings import Settings

Project = Annotated[Path, typer.Option("--project", help="The project's folder, or one below it.")]
Config = Annotated[
    list[str], typer.Option("--config", help="Overlay in configs/, or a .yaml file; repeatable.")
]
Overrides = Annotated[
    list[str],
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a setting; repeatable."),
]

HERE = Path()
LOCAL = ("local",)


def read_settings(project: Path, config: list[str], overrides: list[str]) -> "Settings":
    """Loads the settings that the shared options name."""
    from evergreen.settings import find_project, load_settings

    return load_settings(find_project(project), config, overrides)
