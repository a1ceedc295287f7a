"""`evergreen new`: writes a use case from a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.project import Folder
from evergreen.errors import choose
from evergreen.screen import console, fitted, next_step
from evergreen.texts import count, number, plain

if TYPE_CHECKING:
    from evergreen.scaffold.design import Design

COLUMNS = ("column", "holds", "missing>", "what is done", "why")
MOST = 60
"""Columns that the terminal shows."""
PANEL = "The table"


def new(
    name: Annotated[str, typer.Argument(help="The use case: lower-case letters, digits and _.")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="CSV, Parquet, a folder of parts, sqlite:///FILE or mysql://USER@HOST/DATABASE.",
        ),
    ],
    label: Annotated[
        str, typer.Option(help="What to predict: a column, or a condition on columns.")
    ] = "",
    time: Annotated[
        str, typer.Option(help="The column with the time of a row, by which spans are cut.")
    ] = "",
    by: Annotated[str, typer.Option(help="The length of a span: year, quarter or month.")] = "",
    task: Annotated[
        str, typer.Option(help="binary, multiclass or regression; inferred if not given.")
    ] = "",
    not_before: Annotated[
        list[str] | None,
        typer.Option(help="A column that is known only after the prediction; repeatable."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="A column to keep, though it would be left out; repeatable."),
    ] = None,
    query: Annotated[str, typer.Option(help="What to read from a database: SELECT ...")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show all files, and write none.")
    ] = False,
    project: Folder = Path(),
) -> None:
    """Writes a use case from a table: declaration, model, schema, bounds, spans, tests, docs.

    Each choice is explained; what is written is yours to change.

    Example: [bold]evergreen new late --from flights.parquet --label "delay > 15" --time day[/bold]
    """
    from evergreen.scaffold.design import Request, design
    from evergreen.scaffold.files import files
    from evergreen.scaffold.names import check_name
    from evergreen.scaffold.publication import write
    from evergreen.settings import find_project
    from evergreen.spans import Period
    from evergreen.spans.source import is_database

    folder = find_project(project)
    check_name(folder, name)
    period = Period(choose(by, [period.value for period in Period], "period")) if by else None
    request = Request(
        name=name,
        source=source if is_database(source) else Path(source),
        query=query or None,
        label=label or None,
        time=time or None,
        by=period,
        task=task or None,
        not_before=tuple(not_before or ()),
        keep=tuple(keep or ()),
    )
    found = design(request)
    texts = files(found, folder)
    _show(found)
    if dry_run:
        for path, text in texts.items():
            console().print(f"\n[bold]{plain(path)}[/bold]")
            typer.echo(text, nl=False)
        next_step(f"the same without --dry-run writes these {len(texts)} files")
        return
    write(folder, name, texts)
    for path in texts:
        typer.echo(f"wrote {path}")
    next_step(f"evergreen run --use-case {name}")


def _show(design: "Design") -> None:
    """Prints what was found, and what is done with each column and why."""
    from evergreen.scaffold.baselines import is_hardly_better
    from evergreen.scaffold.proposals import Treatment

    out, label = console(), design.label
    rows = [
        {
            "column": plain(item.name),
            "holds": item.column.kind.value,
            "missing": f"{item.column.missing:.1%}" if item.column.missing else "",
            "what is done": item.treatment.value,
            "why": plain(item.reason),
        }
        for item in design.proposals
    ]
    columns = fitted(COLUMNS, rows[:MOST], {"why", "column"}, ("missing>", "holds"), out.width)
    out.print(columns, soft_wrap=False)
    if len(rows) > MOST:
        out.print(f"and {count(len(rows) - MOST)} more columns")
    known = int(label.known.sum())
    out.print(f"label    {plain(label.meaning)}: {label.task}, since {plain(label.reason)}")
    lost = f"; {count(len(label.values) - known)} have none and are left out"
    out.print(f"rows     {count(known)} with a label{lost if known < len(label.values) else ''}")
    if label.task != "regression":
        counts = ", ".join(f"{plain(name, 40)} {count(n)}" for name, n in label.counts.items())
        out.print(f"classes  {counts}")
    out.print(f"spans    {_spans(design)}")
    for old, new in list(design.renamed.items())[:MOST]:
        out.print(f"renamed  {plain(old, 60)}: {new}")
    for reached in design.reached.values():
        sign = "at least" if reached.higher_is_better else "at most"
        out.print(
            f"bound    {reached.metric} {sign} {reached.bound:g}: always the same answer reaches "
            f"{number(reached.trivial)}, gradient boosting {number(reached.boosted)}"
        )
    suspects = [item for item in design.proposals if item.is_suspect]
    for item in suspects:
        out.print(f"suspect  {plain(item.name)}: {plain(item.reason)}; --keep keeps it")
    if is_hardly_better(design.reached):
        out.print("note     the columns tell hardly anything about the label")
    times = [item.name for item in design.proposals if item.column.kind == "time"]
    if not design.request.time and times:
        out.print(f"note     --time {plain(times[0])} would make a span for each period")
    if Treatment.LEFT_OUT in {item.treatment for item in design.proposals}:
        out.print("note     --keep COLUMN keeps a column that is left out")


def _spans(design: "Design") -> str:
    if not design.periods:
        return "one, since no --time is given"
    length, zone = design.period.value, design.zone
    return f"{len(design.periods)}, one a {length} ({zone}), from {design.periods[0]}"
