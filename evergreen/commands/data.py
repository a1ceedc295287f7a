"""`evergreen data`: spans, the pieces that data comes in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project, read_settings

if TYPE_CHECKING:
    from evergreen.spans import Span

app = typer.Typer(
    no_args_is_help=True,
    help="Make, land and list spans of data.\n\nExample: [bold]evergreen data list[/bold]",
)


@app.command()
def prepare(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    source: Annotated[
        Path | None, typer.Option(help="A file in place of the one the project comes with.")
    ] = None,
) -> None:
    """Cuts the source into spans by calendar period; does nothing for spans that are there.

    Example: [bold]evergreen data prepare --set data.period=quarter[/bold]
    """
    settings = read_settings(project, config, overrides)

    from evergreen.settings import load_function

    data = settings.data
    cut = load_function("data.source", data.source)
    spans = cut(source, data.span_root, data.period, data.format)
    _print(spans, f"spans by {data.period.value} in {data.span_root}")
    typer.echo("next: evergreen run --spans 1-3")


@app.command("land")
def land_file(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file.")],
    span: Annotated[int, typer.Option(help="The span's number.")],
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Delivers a file as a span, as it is; the data gate judges its content when it is ingested.

    New content for a span that is there already becomes its next version.

    Example: [bold]evergreen data land trips-2017.csv --span 5[/bold]
    """
    data = read_settings(project, config, overrides).data

    from evergreen.spans import land

    landed = land(data.span_root, file, span, key_column=data.key, timestamp_column=data.timestamp)
    _print([landed], f"landed in {landed.path}")
    typer.echo(f"next: evergreen run --spans {span}")


@app.command("list")
def list_(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Lists the spans there are, each with its latest version.

    Example: [bold]evergreen data list[/bold]
    """
    data = read_settings(project, config, overrides).data

    from evergreen.spans import list_spans

    spans = list_spans(data.span_root)
    _print(spans, f"spans by {data.period.value} in {data.span_root}")
    typer.echo("next: evergreen run --spans 1-3" if spans else "next: evergreen data prepare")


def _print(spans: "list[Span]", title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("span", "version", "rows", "from", "to", "format", "sha256")
    for span in spans:
        times = span.manifest.time_range
        start, end = (f"{times.start:%Y-%m-%d}", f"{times.end:%Y-%m-%d}") if times else ("-", "-")
        table.add_row(
            *(str(cell) for cell in (span.number, span.version, span.rows, start, end)),
            span.format,
            span.sha256[:12],
        )
    console = Console()
    console.print(title, highlight=False, soft_wrap=True)
    console.print(table)
