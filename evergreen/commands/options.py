"""Options that several commands share."""

import os
import pwd
import sys
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
    """Loads the settings that the shared options name; the project's code becomes importable.

    It comes first on the path: what runs is the code of the project that was named, not of the one
    that happens to be installed.
    """
    from evergreen.settings import find_project, load_settings

    folder = find_project(project)
    sys.path.insert(0, str(folder))
    return load_settings(folder, config, overrides)


def user() -> str:
    """Returns the name of whoever runs the command; the number, if it has no name.

    It is the system's, and not the environment's: who may promote depends on it.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
