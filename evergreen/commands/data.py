"""`evergreen data`: makes, lands and lists spans."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.errors import DataError, EvergreenError
from evergreen.screen import console, next_step, table
from evergreen.texts import many, plain

if TYPE_CHECKING:
    from evergreen.settings.models import DataSettings
    from evergreen.spans import Span
    from evergreen.spans.delivery import Dialect

Delimiter = Annotated[
    str,
    typer.Option(
        help="The separator of CSV: one character, or tab; a comma (a tab in .tsv) if not given."
    ),
]

app = typer.Typer(
    no_args_is_help=True,
    help="Make, land and list spans of data.\n\nExample: [bold]evergreen data list[/bold]",
)


@app.command()
@project_options
def prepare(
    project: Project,
    source: Annotated[
        Path | None, typer.Option(help="A file instead of the project's own.")
    ] = None,
) -> None:
    """Cuts the source into spans by calendar period; existing spans are left alone.

    Example: [bold]evergreen data prepare --set data.period=quarter[/bold]
    """
    data = project.settings.data
    _print(cut(data, source), f"spans by {data.period.value} in {data.span_root}")
    next_step("evergreen run --spans 1-3")


def cut(data: "DataSettings", source: Path | None = None) -> "list[Span]":
    """Cuts a source, or the project's own, into spans.

    Raises:
        DataError: If the project's function fails; with the place in its code.
    """
    from evergreen.failures import describe, place
    from evergreen.settings import load_function

    function = load_function("data.source", data.source)
    try:
        spans: list[Span] = function(source, data.span_root, data.period, data.format)
    except EvergreenError:
        raise
    except Exception as error:  # the code is the project's own
        found = place(error)
        raise DataError(
            f"data.source {data.source}: {describe(error)}",
            hint=f"Correct {found.file if found else 'it'}, then: evergreen data prepare",
        ) from error
    return spans


@app.command("land")
@project_options
def land_file(
    project: Project,
    file: Annotated[Path, typer.Argument(help="CSV, TSV or Parquet, or a folder of such files.")],
    span: Annotated[int, typer.Option(help="The span's number.")],
    delimiter: Delimiter = "",
    decimal: Annotated[
        str, typer.Option(help="The decimal sign of CSV: a point or a comma.")
    ] = ".",
) -> None:
    """Lands a file as a span, unchanged; the data gate judges its content at ingestion.

    New content for an existing span becomes its next version.

    Example: [bold]evergreen data land trips-2017.csv --span 5[/bold]
    """
    data = project.settings.data
    dialect = _dialect(delimiter, decimal, data.table_schema)

    from evergreen.spans import land

    landed = land(
        data.span_root,
        file,
        span,
        key_column=data.key,
        timestamp_column=data.timestamp,
        dialect=dialect,
    )
    _print([landed], f"landed in {landed.path}")
    next_step(f"evergreen run --spans {span}")


@app.command("list")
@project_options
def list_(project: Project) -> None:
    """Lists the spans, each with its latest version.

    Example: [bold]evergreen data list[/bold]
    """
    data = project.settings.data

    from evergreen.spans import list_spans

    spans = list_spans(data.span_root)
    _print(spans, f"spans by {data.period.value} in {data.span_root}")
    next_step("evergreen run --spans 1-3" if spans else "evergreen data prepare")


@app.command()
@project_options
def schema(
    project: Project,
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV, TSV or Parquet, or a folder of such files; all spans if none."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A new file, such as data/<use case>/schema.pbtxt.")
    ] = None,
    delimiter: Delimiter = "",
) -> None:
    """Shows where the schema and all spans differ; or drafts a schema from a file.

    Without a file, `--output` writes a schema that fits all spans, with room. Correct it by hand:
    domains, what may be missing, what is not part of a request.

    Example: [bold]evergreen data schema trips.csv --output data/taxi/schema.pbtxt[/bold]
    """
    data = project.settings.data
    if file is None:
        _revise(project, output)
        return

    from evergreen.quality.inference import first_schema
    from evergreen.spans.delivery import read_delivery

    table, _ = read_delivery(file, _dialect(delimiter, ".", data.table_schema))
    text = first_schema(table, file.name, data.key, ("", *data.missing))
    if output is None:
        typer.echo(text, nl=False)
        return
    _write_new(output, text)
    typer.echo(f"{table.num_columns} columns of {table.num_rows} rows: {output}")
    next_step("correct it, and name it in the settings as data.schema")


def _revise(project: Project, output: Path | None) -> None:
    """Shows where the curated schema and the spans differ; writes one that fits, if asked to."""
    from evergreen.scaffold.revision import revise

    found = revise(project.settings)
    if output is not None:
        _write_new(output, found.text)
    file, many_ = project.settings.data.table_schema, many(len(found.spans), "span")
    if found.differences:
        shown = table(f"{file} and {many_} differ", "column", "the schema", "the spans")
        for item in found.differences:
            shown.add_row(*map(plain, (item.column, item.expected, item.found)))
        console().print(shown)
    else:
        typer.echo(f"{file} fits {many_}")
    next_step(
        f"compare {output} with {file}, and correct it"
        if output
        else "evergreen data schema --output FILE writes a schema that fits"
        if found.differences
        else "evergreen run"
    )


def _write_new(output: Path, text: str) -> None:
    try:
        with output.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise DataError(f"{output}: {error.strerror}.", hint="Name a new file.") from error


def _dialect(delimiter: str, decimal: str, schema: Path) -> "Dialect":
    from evergreen.quality.schema import column_kinds, load_curated
    from evergreen.spans.delivery import Dialect

    sign = {"tab": "\t", r"\t": "\t"}.get(delimiter, delimiter)
    if len(sign) > 1 or sign in {'"', "\n", "\r"}:
        raise DataError(
            f"--delimiter {delimiter!r} is not one character.", hint="Say ';', '|' or tab."
        )
    if decimal not in {".", ","} or (decimal == "," and sign == ","):
        raise DataError(
            f"--decimal {decimal!r}, with fields separated by {sign or ','!r}.",
            hint="Say --decimal ',' with --delimiter ';', or leave it out.",
        )
    if decimal == ".":
        return Dialect(sign or None)
    kinds = column_kinds(load_curated(schema))
    return Dialect(
        sign or None, decimal, {column for column, kind in kinds.items() if kind != "BYTES"}
    )


def _print(spans: "list[Span]", title: str) -> None:
    shown = table(title, "span>", "version>", "rows>", "from", "to", "format", "sha256")
    for span in spans:
        times = span.manifest.time_range
        start, end = (f"{times.start:%Y-%m-%d}", f"{times.end:%Y-%m-%d}") if times else ("-", "-")
        shown.add_row(
            *(str(cell) for cell in (span.number, span.version, span.rows, start, end)),
            span.format,
            span.sha256[:12],
        )
    console().print(shown)
