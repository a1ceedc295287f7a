"""`evergreen compare`: compares two runs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.screen import console, next_step, table
from evergreen.texts import plain

if TYPE_CHECKING:
    from rich.table import Table

    from evergreen.reporting.comparison import Comparison, Difference, Value

NAMES = ("one", "other")


@project_options
def compare(
    project: Project,
    first: Annotated[str, typer.Argument(help="A run, or how its id begins.")],
    other: Annotated[str, typer.Argument(help="Another run, or how its id begins.")],
    json: Json = False,
) -> None:
    """Compares two runs: inputs, data statistics, schema, metrics, slices, times.

    Example: [bold]evergreen compare RUN RUN[/bold]
    """
    from evergreen.reporting.comparison import compare as compare_runs

    lineage = project.lineage
    found = compare_runs(project.store, lineage.record(first), lineage.record(other))
    if json:
        print_json(found.model_dump(mode="json"))
        return
    print_comparison(found)
    next_step(f"evergreen show {found.other}")


def print_comparison(found: "Comparison", names: tuple[str, str] = NAMES) -> None:
    """Shows two runs side by side, under these names."""
    out = console()
    runs, wide = (found.one, found.other), max(map(len, names))
    for name, run, value in zip(names, runs, (found.outcome.one, found.outcome.other), strict=True):
        out.print(f"[bold]{name:<{wide}}[/bold]  {plain(run)}  {plain(value or 'not ended')}")
    for title, pairs in (
        ("inputs that differ", found.inputs),
        ("data that differ: the newest span, train split", found.data),
        ("metrics", found.metrics),
        ("slices of the test split", found.slices),
    ):
        shown = pairs_table(title, pairs, names) if pairs else f"\n[bold]{title}[/bold]: none"
        out.print(shown)
    out.print(pairs_table("seconds", found.seconds, names, digits=1))
    if found.schema_changes:
        out.print("\n[bold]schema[/bold]")
        for line in found.schema_changes:
            out.print(f"  {plain(line)}")


def pairs_table(
    title: str,
    pairs: "Iterable[Difference]",
    names: tuple[str, str] = NAMES,
    digits: int | None = None,
) -> "Table":
    """Returns a table of values that differ between two subjects.

    Args:
        title: The title of the table.
        pairs: The values.
        names: The names of the two.
        digits: The number of decimals; by default as many as a value needs.
    """
    from evergreen.texts import signed

    shown = table(title, "", *(f"{name}>" for name in names), "change>", folds=names)
    for pair in pairs:
        change = pair.change
        told = (
            "" if change is None else signed(change) if digits is None else f"{change:+.{digits}f}"
        )
        shown.add_row(
            plain(pair.name, 40), _text(pair.one, digits), _text(pair.other, digits), told
        )
    return shown


def _text(value: "Value", digits: int | None) -> str:
    from evergreen.texts import NOTHING, number

    if value is None:
        return NOTHING
    if isinstance(value, float):
        return number(value) if digits is None else f"{value:.{digits}f}"
    return plain(value, 60)
