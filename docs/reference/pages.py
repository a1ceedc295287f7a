"""`python -m docs.reference.pages`: writes the reference pages of the docs.

They are generated from the settings' models and from the command line itself, so they cannot
differ from the program; a test fails when the pages in `docs/reference/` are not up to date.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from evergreen.cli import app
from evergreen.commands.project import PANEL
from evergreen.commands.table import PANELS
from evergreen.exit_codes import ExitCode
from evergreen.settings.conventions import CONVENTIONS
from evergreen.settings.load import merge
from evergreen.settings.models import Settings
from evergreen.settings.reference import settings_page
from evergreen.settings.sources import read

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COMMANDS = """# Commands, one by one

`make docs` generates this page from the command line. `evergreen COMMAND --help` prints the same.

Commands that work on a project also take `--project`, the project's folder or one below it;
`--use-case` (`-u`), the name of a use case; `--config`, an environment in `configs/` or a `.yaml`
file; and `--set`, which overrides a setting (`SECTION.KEY=VALUE`). The last two are repeatable
([Settings](../settings.md)).
"""
EXIT_CODES = """# Exit codes

Each code means one thing, whatever command ends with it. The model server's codes are those of
`tensorflow_model_server`: 255 if it could not start.
"""


def pages() -> dict[str, str]:
    """Returns the reference pages: their Markdown by the name of the file."""
    base = read(ROOT / "configs/base.yaml", ROOT)
    values = merge([("conventions", CONVENTIONS), base])
    return {
        "commands.md": commands_page(get_command(app)),
        "exit-codes.md": exit_codes_page(),
        "settings.md": settings_page(Settings, values),
    }


def commands_page(command: Any) -> str:
    """Returns a Markdown page with every sub-command: what it does, and its options.

    Args:
        command: The command line, as a group of Click's; it has the panels of the help.
    """
    lines = [COMMANDS]
    for panel, names in PANELS.items():
        lines.append(f"## {panel}\n")
        for name in names:
            lines += _sections(command.commands[name], f"evergreen {name}")
    return "\n".join(lines)


def exit_codes_page() -> str:
    """Returns a Markdown page with every exit code and its meaning."""
    rows = [f"| {code:d} | {code.meaning} |" for code in ExitCode]
    return "\n".join([EXIT_CODES, "| code | meaning |", "| --- | --- |", *rows, ""])


def _sections(command: Any, name: str) -> Iterator[str]:
    children = getattr(command, "commands", {})
    for child in sorted(children):
        yield from _sections(children[child], f"{name} {child}")
    if children and not command.invoke_without_command:
        return
    yield f"### {name}\n\n{_help(command)}\n\n{_parameters(command)}"


def _help(command: Any) -> str:
    text = re.sub(r"\[/?bold\]", "`", command.help or "").replace("\b", "")
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))


def _parameters(command: Any) -> str:
    rows = [
        _row(item)
        for item in command.params
        if not getattr(item, "hidden", False) and getattr(item, "rich_help_panel", "") != PANEL
    ]
    if not rows:
        return ""
    return "\n".join(["| option | meaning |", "| --- | --- |", *rows, ""])


def _row(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [parameter.name.upper()]
    text = " ".join((getattr(parameter, "help", None) or "").split())
    shown = ", ".join(f"`{name}`" for name in names)
    return f"| {shown} | {text} |"


if __name__ == "__main__":
    for file, content in pages().items():
        (HERE / file).write_text(content, encoding="utf-8")
