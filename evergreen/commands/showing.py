"""How commands show things: tables and lines for people, JSON for programs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evergreen.visible import plain

__all__ = ["Json", "console", "next_step", "plain", "print_json", "table"]

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def console() -> "Console":
    """A console that marks up nothing by itself."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def table(title: str, *columns: str, folds: Iterable[str] = ()) -> "Table":
    """An empty table.

    Args:
        title: What is above it.
        columns: Names; those of numbers end with `>`, and are aligned to the right.
        folds: Columns that give way on a narrow terminal.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        name = column.removesuffix(">")
        justify: Any = "right" if column.endswith(">") else "left"
        made.add_column(name, justify=justify, no_wrap=name not in folds, overflow="fold")
    return made


def print_json(value: Any) -> None:
    """Prints values of the read API, or lists and mappings of such, as JSON."""
    from pydantic import TypeAdapter

    # In ASCII: a terminal that it is printed on shall not be driven by what is in it.
    text = TypeAdapter(Any).dump_json(value, indent=1, by_alias=True, ensure_ascii=True).decode()
    typer.echo(text)


def next_step(text: str) -> None:
    """Prints the last line of every command."""
    console().print(f"next: {text}")
