"""What commands show on a terminal: lines, tables, and what to do next."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from evergreen.errors import EvergreenError
from evergreen.texts import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST = 2000
"""The longest suggestion, in characters."""
GAP = 3
"""Spaces between the columns of a table."""


def console() -> "Console":
    """Returns a console without automatic highlighting."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def table(title: str, *columns: str, folds: Iterable[str] = ()) -> "Table":
    """Returns an empty table.

    Args:
        title: The title of the table.
        columns: Names; numeric ones end with `>`, and are aligned to the right.
        folds: Columns that wrap on a narrow terminal.
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


def fitted(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    folds: Collection[str],
    optional: Sequence[str],
    width: int,
) -> "Table":
    """Returns a table in which no word is cut off.

    Args:
        columns: As for `table`.
        rows: Cells by the name of the column.
        folds: Columns that may be as narrow as their longest word.
        optional: Columns that are left out, in this order, if there is no room.
        width: The width of the terminal; what prints the table must not wrap it softly.
    """
    least = {
        column: _least(name, [row[name] for row in rows], name in folds)
        for column in columns
        for name in [column.removesuffix(">")]
    }
    left, going = list(columns), list(optional)
    while going and sum(least[column] + GAP for column in left) > width + 1:  # a space on each side
        gone = going.pop(0)
        left = [column for column in left if column.removesuffix(">") != gone]
    made = table("", *left, folds=folds)
    for shown, column in zip(made.columns, left, strict=True):
        shown.min_width = least[column]
    for row in rows:
        made.add_row(*(row[column.removesuffix(">")] for column in left))
    return made


def _least(name: str, cells: Iterable[str], is_folded: bool) -> int:
    """Returns the least width of a column, in characters."""
    from rich.cells import cell_len
    from rich.text import Text

    texts = [name, *(Text.from_markup(cell).plain for cell in cells)]
    words = [word for text in texts for word in text.split()] if is_folded else texts
    return max(map(cell_len, words), default=0)


_complete: ContextVar[Callable[[str], str]] = ContextVar("complete", default=lambda text: text)


@contextmanager
def suggesting(complete: Callable[[str], str]) -> Iterator[None]:
    """Makes suggestions complete while a command runs, and the hint of the error it ends with.

    Args:
        complete: Adds the options of the present command to a suggested one.
    """
    token = _complete.set(complete)
    try:
        yield
    except EvergreenError as error:
        error.hint = complete(error.hint)
        raise
    finally:
        _complete.reset(token)


def suggestion(text: str) -> str:
    """Returns a text in which suggested commands have the options of the present one."""
    return _complete.get()(text)


def next_step(text: str, out: "Console | None" = None) -> None:
    """Prints the last line of every command.

    Args:
        text: What to do next.
        out: Where to; standard output if not given.
    """
    (out or console()).print(
        f"next: {visible(suggestion(text), MOST)}", markup=False, highlight=False, soft_wrap=True
    )
