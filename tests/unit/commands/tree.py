"""Every command there is, and what it takes: read from the command line itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import typer

from evergreen.cli import app

SHARED = ("--project", "--use-case", "--config", "--set")


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        words: How it is called.
        options: Those that take a value: the longest name of each.
        arguments: How many are required.
        takes_arguments: Whether it takes any.
    """

    words: tuple[str, ...]
    options: tuple[str, ...]
    arguments: int
    takes_arguments: bool


def commands() -> list[Command]:
    """All commands, those of groups too."""
    return [_command(words, command) for words, command in _walk(typer.main.get_command(app), ())]


def _walk(parent: object, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    inner = getattr(parent, "commands", {})
    for name, command in inner.items():
        yield from _walk(command, (*words, name))
    if not inner or getattr(parent, "invoke_without_command", False):
        yield words, parent


def _command(words: tuple[str, ...], parsed: object) -> Command:
    params = parsed.params  # type: ignore[attr-defined] - typer's own copy of click has no types
    arguments = [param for param in params if param.param_type_name == "argument"]
    options = [
        max(param.opts, key=len)
        for param in params
        if param.param_type_name == "option" and not param.is_flag and not param.count
    ]
    required = sum(bool(param.required) for param in arguments)
    return Command(words, tuple(options), required, bool(arguments))
