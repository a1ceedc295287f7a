"""Options that several commands share."""

import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from evergreen.errors import SettingsError
from evergreen.visible import visible

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


class LocalFiles(TyperGroup):
    """Commands whose files and folders are of this machine: a URL would become a folder `s3:`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        groups: list[Any] = [self]
        for group in groups:
            for command in group.commands.values():
                groups += [command] if hasattr(command, "commands") else []
                for parameter in command.params:
                    if parameter.type_descriptor.annotation is Path:
                        parameter.callback = _local(parameter.callback)


def _local(then: Callable[..., Any] | None) -> Callable[..., Any]:
    """Checks what is given before another callback does."""

    def check(context: typer.Context, parameter: Any, value: Any) -> Any:
        from evergreen.settings.base import URL

        if value and URL.match(str(value)):
            given = str(value).replace(":/", "://", 1)  # a path has lost one
            raise typer.BadParameter(
                f"{given} is a URL; a file or folder of this machine is expected.",
                ctx=context,
                param=parameter,
            )
        return then(context, parameter, value) if then else value

    return check


HERE = Path()
LOCAL = ("local",)


def read_settings(project: Path, config: list[str], overrides: list[str]) -> "Settings":
    """Loads the settings that the shared options name; the project's code becomes importable.

    It comes first on the path: what runs is the code of the project that was named, not of the one
    that happens to be installed.
    """
    from evergreen.settings import find_project, load_settings
    from evergreen.settings.sources import remarks

    folder = find_project(project)
    sys.path.insert(0, str(folder))
    settings = load_settings(folder, config, overrides)
    for remark in remarks(overrides):
        typer.echo(visible(remark), err=True)
    return settings


def user() -> str:
    """Returns the name of whoever runs the command; the number, if it has no name.

    It is the system's, and not the environment's: who may promote depends on it.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
