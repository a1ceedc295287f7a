"""The benchmarks, as commands."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import page as pages
from evergreen.cli import explain
from evergreen.errors import EvergreenError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Measures this project, and writes docs/benchmarks.md.\n\n"
    "Example: [bold]python -m benchmarks pipeline --rounds 1[/bold]",
)


@app.command()
def pipeline(
    rounds: Annotated[int, typer.Option(min=1, help="How often all is measured.")] = 3,
) -> None:
    """Compares the pipeline with stock TFX: about 6 minutes a round, and one that is discarded.

    Example: [bold]python -m benchmarks pipeline --rounds 1[/bold]
    """
    from benchmarks.pipeline.comparing import compare

    console = Console()
    result = compare(rounds, pages.RESULTS / "pipeline", console)
    (pages.RESULTS / "pipeline.json").write_text(result.model_dump_json(indent=1))
    _write_page(console)


@app.command()
def startup(
    rounds: Annotated[int, typer.Option(min=1, help="How often all is measured.")] = 5,
) -> None:
    """Measures what entry points import, beside `from tfx import v1`: about a minute a round.

    Example: [bold]python -m benchmarks startup --rounds 1[/bold]
    """
    from benchmarks.startup.measuring import measure_all

    console = Console()
    result = measure_all(rounds, pages.RESULTS / "startup", console)
    (pages.RESULTS / "startup.json").write_text(result.model_dump_json(indent=1))
    _write_page(console)


@app.command()
def serving(
    only: Annotated[
        list[str] | None, typer.Argument(help="Comparisons; all of them if none is named.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often all is measured.")] = 3,
) -> None:
    """Compares serving with calls in process and with other servers: about 4 minutes a round.

    If only some comparisons are named, nothing is written.

    Example: [bold]python -m benchmarks serving one gateway --rounds 1[/bold]
    """
    from benchmarks.serving.comparing import COMPARISONS, compare

    console = Console()
    names = only or list(COMPARISONS)
    if unknown := set(names) - COMPARISONS.keys():
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(COMPARISONS)}")
    result = compare(names, rounds, pages.RESULTS / "serving", console)
    if not only:
        (pages.RESULTS / "serving.json").write_text(result.model_dump_json(indent=1))
        _write_page(console)


@app.command()
def kubeflow(
    rounds: Annotated[int, typer.Option(min=1, help="How often all is measured.")] = 3,
) -> None:
    """Measures what containers cost: about 2 minutes a round, and one that does not count.

    It needs what the tests with containers need: root, podman, runc and debootstrap.

    Example: [bold]python -m benchmarks kubeflow --rounds 1[/bold]
    """
    from benchmarks.kubeflow.measuring import measure

    console = Console()
    result = measure(rounds, pages.RESULTS / "kubeflow", console)
    (pages.RESULTS / "kubeflow.json").write_text(result.model_dump_json(indent=1))
    _write_page(console)


@app.command()
def lineage(
    runs: Annotated[
        int, typer.Option(min=10, help="Runs in the store, of 20 artifacts each.")
    ] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 20,
) -> None:
    """Asks a store of many runs what ran and what it made: about 3 minutes.

    Example: [bold]python -m benchmarks lineage --runs 100[/bold]
    """
    from benchmarks.lineage.asking import measure_all

    console = Console()
    result = measure_all(runs, rounds, pages.RESULTS / "lineage", console)
    (pages.RESULTS / "lineage.json").write_text(result.model_dump_json(indent=1))
    _write_page(console)


@app.command()
def dashboard(
    runs: Annotated[
        int, typer.Option(min=10, help="Runs in the store, of 20 artifacts each.")
    ] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each page is asked for.")] = 20,
) -> None:
    """Asks the dashboard for its pages over a store of many runs: about 2 minutes.

    Example: [bold]python -m benchmarks dashboard --runs 100[/bold]
    """
    from benchmarks.dashboard.asking import measure_all

    console = Console()
    result = measure_all(runs, rounds, pages.RESULTS / "dashboard", console)
    (pages.RESULTS / "dashboard.json").write_text(result.model_dump_json(indent=1))
    _write_page(console)


@app.command()
def monitoring(
    rounds: Annotated[int, typer.Option(min=1, help="How often all is measured.")] = 3,
    rows: Annotated[int, typer.Option(min=1000, help="Logged predictions.")] = 1_000_000,
) -> None:
    """Compares monitoring with Evidently and plain pandas: about 5 minutes a round.

    With another number of rows nothing is written.

    Example: [bold]python -m benchmarks monitoring --rounds 1 --rows 100000[/bold]
    """
    from benchmarks.monitoring.comparing import MILLION, compare

    console = Console()
    result = compare(rounds, rows, pages.RESULTS / "monitoring", console)
    if rows == MILLION:
        (pages.RESULTS / "monitoring.json").write_text(result.model_dump_json(indent=1))
        _write_page(console)


@app.command()
def controller(
    rounds: Annotated[int, typer.Option(min=1, help="How often all is measured.")] = 3,
) -> None:
    """Measures how soon runs start after their event, and what waiting costs: 2 minutes a round.

    Example: [bold]python -m benchmarks controller --rounds 1[/bold]
    """
    from benchmarks.controller.measuring import measure_all

    console = Console()
    result = measure_all(rounds, pages.RESULTS / "controller", console)
    (pages.RESULTS / "controller.json").write_text(result.model_dump_json(indent=1))
    _write_page(console)


@app.command()
def page() -> None:
    """Writes the page again from the results in var/bench, and measures nothing.

    Example: [bold]python -m benchmarks page[/bold]
    """
    _write_page(Console())


def _write_page(console: Console) -> None:
    pages.write_page()
    console.print(f"the tables are in {pages.PAGE}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    try:
        app()
    except EvergreenError as error:
        sys.exit(explain(error))
