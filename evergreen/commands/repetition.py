"""Repeats the options of a command in the commands that it suggests next."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from evergreen.commands.table import Lazy

COMMAND = re.compile(
    r"(?P<program>\bevergreen|python kubeflow_runner\.py) (?P<name>[a-z][a-z-]*)"
    r"(?: (?P<inner>[a-z][a-z-]*)\b)?"
)
"""A command in a sentence, with the next word, which may be that of a command below it."""


def repeated(text: str, options: Sequence[str]) -> str:
    """Returns a text with options after the name of each command in it.

    Args:
        text: Such as `evergreen models history 2`, or a sentence with commands.
        options: Such as `["--use-case", "flights"]`, which a text may name itself.
    """
    if re.search(r" (-u|--use-case) ", text) and "--use-case" in options:
        at = options.index("--use-case")
        options = [*options[:at], *options[at + 2 :]]
    if not options:
        return text
    added, known = shlex.join(options), Lazy()

    def complete(match: re.Match[str]) -> str:
        words, inner = f"{match['program']} {match['name']}", match["inner"] or ""
        command = known.get(match["name"])
        below = getattr(command, "commands", {}).get(inner)
        if match["program"] == "evergreen" and not _takes_project(below or command):
            return match[0]
        if below:
            return f"{words} {inner} {added}"
        return f"{words} {added}" + (f" {inner}" if inner else "")

    return re.sub(COMMAND, complete, text)


def _takes_project(command: Any) -> bool:
    return any(param.name == "use_case" for param in getattr(command, "params", ()))
