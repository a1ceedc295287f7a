"""`evergreen compare`: two runs side by side."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.opening import Opened
from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.showing import Json, console, next_step, plain, print_json, table

if TYPE_CHECKING:
    from rich.table import Table

    from evergreen.reporting.comparing import Comparison, Difference, Value


def compare(
    one: Annotated[str, typer.Argument(help="A run.")],
    other: Annotated[str, typer.Argument(help="Another run.")],
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Compares two runs: what went in, data statistics, schema, metrics, slices, times.

    Example: [bold]evergreen compare RUN RUN[/bold]
    """
    here = Opened.of(project, config, overrides)

    from evergreen.reporting.comparing import compare as compare_runs

    lineage = here.lineage
    found = compare_runs(here.store, lineage.record(one), lineage.record(other))
    if json:
        print_json(found.model_dump(mode="json"))
        return
    print_comparison(found)
    next_step(f"evergreen show {found.other}")


def print_comparison(found: "Comparison") -> None:
    """Shows two runs side by side."""
    out = console()
    outcomes = (plain(value or "not ended") for value in (found.outcome.one, found.outcome.other))
    out.print(f"[bold]one[/bold]   {plain(found.one)}  {next(outcomes)}")
    out.print(f"[bold]other[/bold] {plain(found.other)}  {next(outcomes)}")
    for title, pairs in (
        ("inputs that differ", found.inputs),
        ("data that differ: the newest span, train split", found.data),
        ("metrics", found.metrics),
        ("slices of the test split", found.slices),
        ("seconds", found.seconds),
    ):
        out.print(pairs_table(title, pairs) if pairs else f"\n[bold]{title}[/bold]: none")
    if found.schema_changes:
        out.print("\n[bold]schema[/bold]")
        for line in found.schema_changes:
            out.print(f"  {plain(line)}")


def pairs_table(title: str, pairs: "Iterable[Difference]") -> "Table":
    """A table of things of which two have different values."""
    shown = table(title, "", "one>", "other>", "change>", folds=("", "one", "other"))
    for pair in pairs:
        change = "" if pair.change is None else f"{pair.change:+.4g}"
        shown.add_row(plain(pair.name, 60), _text(pair.one), _text(pair.other), change)
    return shown


def _text(value: "Value") -> str:
    from evergreen.reporting.wording import NOTHING, number

    if value is None:
        return NOTHING
    if isinstance(value, float):
        return number(value)
    return plain(value, 60)
