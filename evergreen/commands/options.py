"""Options shared by several commands."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from evergreen.errors import SettingsError

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
MOST = 10_000
"""The longest text for the log, in characters."""


def line(value: str | list[str] | None) -> str | list[str] | None:
    """Checks texts for the log; a callback of their options.

    Raises:
        SettingsError: If a text has unprintable characters, such as line ends.
    """
    for text in [value] if isinstance(value, str) else value or ():
        if not text.isprintable() or len(text) > MOST:
            raise SettingsError(
                f"{text[:60]!r} is no line of text.",
                hint=f"The log takes at most {MOST:,} letters in a line, all of them printable.",
            )
    return value


class LocalFiles(TyperGroup):
    """A group of commands whose files and folders are on this machine."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        check_files(self)


def check_files(command: Any) -> None:
    """Makes a command, and those below it, refuse URLs for files (`s3:` would be a folder).

    Args:
        command: A command or group of Click.
    """
    for parameter in command.params:
        if parameter.type_descriptor.annotation is Path:
            parameter.callback = _local(parameter.callback)
    for below in getattr(command, "commands", {}).values():
        check_files(below)


def _local(then: Callable[..., Any] | None) -> Callable[..., Any]:
    """Wraps a callback in a check of its value."""

    def check(context: typer.Context, parameter: Any, value: Any) -> Any:
        from evergreen.settings.base import URL

        if value and URL.match(str(value)):
            slashes = ":///" if str(value).startswith("file:") else "://"
            given = str(value).replace(":/", slashes, 1)  # a path has lost some slashes
            raise typer.BadParameter(
                f"{given} is a URL; a file or folder of this machine is expected.",
                ctx=context,
                param=parameter,
            )
        return then(context, parameter, value) if then else value

    return check


def user() -> str:
    """Returns the name of the user who runs the command; the number, if there is no name.

    It comes from the system, not the environment, since promotion rights depend on it.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def print_json(value: Any) -> None:
    """Prints values of the read API, or lists and mappings of such, as JSON."""
    from pydantic import TypeAdapter

    # In ASCII: a terminal that it is printed on shall not be driven by what is in it.
    text = TypeAdapter(Any).dump_json(value, indent=1, by_alias=True, ensure_ascii=True).decode()
    typer.echo(text)
