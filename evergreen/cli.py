"""The `evergreen` command."""

import sys

import typer

from evergreen.commands import (
    compare,
    config,
    dashboard,
    data,
    gateway,
    lineage,
    loadtest,
    models,
    monitor,
    orchestrators,
    predict,
    registry,
    replay,
    report,
    resume,
    retention,
    run,
    runs,
    serve,
    show,
    triggers,
    watch,
)
from evergreen.commands.options import LocalFiles
from evergreen.errors import EvergreenError
from evergreen.visible import visible

MOST = 2000
"""Characters of a line of an error."""

app = typer.Typer(
    cls=LocalFiles,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Keeps a machine-learning model fresh: data, gates, training, gates, push.",
    epilog="Start with [bold]evergreen data prepare[/bold], then "
    "[bold]evergreen run --spans 1-3[/bold].",
)
app.command()(run.run)
app.command()(resume.resume)
app.command()(runs.runs)
app.command()(show.show)
app.command()(compare.compare)
app.command()(lineage.lineage)
app.command()(retention.gc)
app.command()(retention.doctor)
app.command()(report.report)
app.command()(registry.promote)
app.command()(registry.rollback)
app.command()(registry.archive)
app.command()(registry.reset_baseline)
app.command()(registry.expose)
app.command(context_settings=serve.CONTEXT)(serve.serve)
app.command()(replay.replay)
app.command()(watch.watch)
app.command()(dashboard.dashboard)
app.command()(gateway.gateway)
app.command()(predict.predict)
app.command()(loadtest.loadtest)
app.command()(orchestrators.orchestrators)
app.add_typer(config.app, name="config")
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(triggers.app, name="triggers")
app.add_typer(monitor.app, name="monitor")


def main() -> None:
    """Runs the command line; an error a person can act on is printed without a traceback."""
    try:
        app()
    except EvergreenError as error:
        sys.exit(explain(error))


def explain(error: EvergreenError) -> int:
    """Prints an error and what to do next; returns the exit code it stands for."""
    lines = (visible(line, MOST) for line in f"error: {error}".split("\n"))
    typer.secho("\n".join(lines), fg="red", err=True)
    if error.hint:
        typer.echo(f"next: {visible(error.hint, MOST)}", err=True)
    return error.exit_code
