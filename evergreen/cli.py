"""The `evergreen` command."""

import sys

import typer

from evergreen.commands.table import Commands
from evergreen.errors import EvergreenError
from evergreen.exit_codes import ExitCode
from evergreen.texts import visible

MOST = 2000
"""The longest line of an error, in characters."""

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="Start with [bold]evergreen data prepare[/bold], then "
    "[bold]evergreen run --spans 1-3[/bold].",
)


@app.callback()
def evergreen() -> None:
    """Keeps a machine-learning model fresh: data, gates, training, gates, push."""


def main() -> None:
    """Runs the command line; expected errors are printed without a traceback."""
    try:
        app()
    except EvergreenError as error:
        sys.exit(explain(error))


def explain(error: EvergreenError) -> ExitCode:
    """Prints an error and the next step; returns its exit code."""
    lines = (visible(line, MOST) for line in f"error: {error}".split("\n"))
    typer.secho("\n".join(lines), fg="red", err=True)
    if error.hint:
        typer.echo(f"next: {visible(error.hint, MOST)}", err=True)
    return error.exit_code
