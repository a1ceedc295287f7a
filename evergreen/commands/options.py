"""Options that several commands share."""

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.errors import SettingsError

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

MOST = 10_000
"""Characters of a text for the log."""


def line(value: str | list[str]) -> str | list[str]:
    """Checks texts that go into the log; a callback of their options.

    Raises:
        SettingsError: If one has what cannot be printed, line ends too.
    """
    for text in [value] if isinstance(value, str) else value:
        if not text.isprintable() or len(text) > MOST:
            raise SettingsError(
                f"{text[:60]!r} is no line of text.",
                hint=f"The log takes at most {MOST:,} letters in a line, all of them printable.",
            )
    return value


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
