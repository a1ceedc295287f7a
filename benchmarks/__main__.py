"""The benchmarks, as commands."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from benchmarks import page as pages
from evergreen.cli import explain
from evergreen.errors import EvergreenError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Measures this project. With --full it writes docs/benchmarks.md; without, a short form "
    "of it in var/bench/short.\n\n"
    "Example: [bold]python -m benchmarks scale --full[/bold]",
)
Rounds = Annotated[
    int | None, typer.Option(min=1, help="How often all is measured, if not as often as usual.")
]
Full = Annotated[
    bool, typer.Option("--full/--short", help="For docs/benchmarks.md, or few rows and rounds.")
]


@app.command()
def pipeline(rounds: Rounds = None, full: Full = False) -> None:
    """Compares the pipeline with stock TFX: about 6 minutes a round, and one that is discarded.

    Not in `make bench`, where `scale` has it of one round.

    Example: [bold]python -m benchmarks pipeline --full[/bold]
    """
    from benchmarks.pipeline.comparing import compare

    console = Console()
    result = compare(rounds or (3 if full else 1), pages.RESULTS / "pipeline", console)
    _store("pipeline", result, full, console)


@app.command()
def scale(
    only: Annotated[
        list[str] | None,
        typer.Argument(
            help="Comparisons, of pipeline, ingestion, statistics and training; the others stay as "
            "they were measured before. All of them if none is named."
        ),
    ] = None,
    rounds: Rounds = None,
    full: Full = False,
) -> None:
    """Measures how time and memory grow with the rows, beside stock TFX and straight lines.

    With --full, from 15,000 to 15,000,000 rows: about 90 minutes. Without, 15,000 and 150,000 rows,
    pipeline and ingestion if none is named: about 3 minutes.

    Example: [bold]python -m benchmarks scale ingestion --full[/bold]
    """
    from benchmarks.scale.comparing import NODES, compare
    from benchmarks.scale.result import Result
    from benchmarks.scale.terms import FULL, SHORT, SHORT_PARTS

    console, parts = Console(), only or (list(NODES) if full else list(SHORT_PARTS))
    if unknown := set(parts) - NODES.keys():
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(NODES)}")
    for part in parts:
        sizes = [size.at_most(rounds) for size in (FULL if full else SHORT)[part]]
        measured = compare(part, sizes, pages.RESULTS / "scale", console, full=full)
        file = _results(full) / "scale.json"
        known = Result.model_validate_json(file.read_text()).parts if file.is_file() else {}
        ordered = {name: {**known, part: measured}.get(name) for name in NODES}
        result = Result(parts={name: result for name, result in ordered.items() if result})
        _store("scale", result, full, console)


@app.command()
def startup(rounds: Rounds = None, full: Full = False) -> None:
    """Measures what entry points import, beside `from tfx import v1`: about a minute a round.

    Example: [bold]python -m benchmarks startup --rounds 1[/bold]
    """
    from benchmarks.startup.measuring import measure_all

    console = Console()
    result = measure_all(
        rounds or (5 if full else 1), pages.RESULTS / "startup", console, warm=full
    )
    _store("startup", result, full, console)


@app.command()
def serving(
    only: Annotated[
        list[str] | None, typer.Argument(help="Comparisons; all of them if none is named.")
    ] = None,
    rounds: Rounds = None,
    full: Full = False,
) -> None:
    """Compares serving with calls in process and with other servers: about 4 minutes a round.

    If only some comparisons are named, nothing is written. Without --full and names, the first is
    made: one client.

    Example: [bold]python -m benchmarks serving one gateway --rounds 1[/bold]
    """
    from benchmarks.serving.comparing import COMPARISONS, compare

    console = Console()
    names = only or list(COMPARISONS)[: None if full else 1]
    if unknown := set(names) - COMPARISONS.keys():
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(COMPARISONS)}")
    result = compare(names, rounds or (3 if full else 1), pages.RESULTS / "serving", console)
    if not only:
        _store("serving", result, full, console)


@app.command()
def kubeflow(rounds: Rounds = None, full: Full = False) -> None:
    """Measures what containers cost: about 2 minutes a round, and one that does not count.

    It needs what the tests with containers need: root, podman, runc and debootstrap.

    Example: [bold]python -m benchmarks kubeflow --full[/bold]
    """
    from benchmarks.kubeflow.measuring import measure

    console = Console()
    result = measure(rounds or (3 if full else 1), pages.RESULTS / "kubeflow", console)
    _store("kubeflow", result, full, console)


@app.command()
def lineage(
    runs: Annotated[
        int | None, typer.Option(min=10, help="Runs in the store, of 20 artifacts each.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often each question is asked.")
    ] = None,
    full: Full = False,
) -> None:
    """Asks a store of many runs what ran and what it made: about 3 minutes with --full.

    Example: [bold]python -m benchmarks lineage --full[/bold]
    """
    from benchmarks.lineage.asking import measure_all

    console = Console()
    runs, rounds = runs or (1000 if full else 100), rounds or (20 if full else 5)
    result = measure_all(runs, rounds, pages.RESULTS / "lineage", console)
    _store("lineage", result, full, console)


@app.command()
def dashboard(
    runs: Annotated[
        int | None, typer.Option(min=10, help="Runs in the store, of 20 artifacts each.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often each page is asked for.")
    ] = None,
    full: Full = False,
) -> None:
    """Asks the dashboard for its pages over a store of many runs: about 2 minutes with --full.

    Example: [bold]python -m benchmarks dashboard --full[/bold]
    """
    from benchmarks.dashboard.asking import measure_all

    console = Console()
    runs, rounds = runs or (1000 if full else 100), rounds or (20 if full else 5)
    result = measure_all(runs, rounds, pages.RESULTS / "dashboard", console)
    _store("dashboard", result, full, console)


@app.command()
def monitoring(
    rounds: Rounds = None,
    rows: Annotated[int | None, typer.Option(min=1000, help="Logged predictions.")] = None,
    full: Full = False,
) -> None:
    """Compares monitoring with Evidently and plain pandas: about 5 minutes a round with --full.

    With another number of rows than usual, a million or 50,000, nothing is written.

    Example: [bold]python -m benchmarks monitoring --rounds 1 --rows 100000[/bold]
    """
    from benchmarks.monitoring.comparing import MILLION, compare

    console, usual = Console(), MILLION if full else MILLION // 20
    rounds, rows = rounds or (3 if full else 1), rows or usual
    result = compare(rounds, rows, pages.RESULTS / "monitoring", console)
    if rows == usual:
        _store("monitoring", result, full, console)


@app.command()
def controller(rounds: Rounds = None, full: Full = False) -> None:
    """Measures how soon runs start after their event, and what waiting costs: 2 minutes a round.

    Example: [bold]python -m benchmarks controller --full[/bold]
    """
    from benchmarks.controller.measuring import measure_all

    console = Console()
    result = measure_all(rounds or (3 if full else 1), pages.RESULTS / "controller", console)
    _store("controller", result, full, console)


@app.command()
def page(full: Full = True) -> None:
    """Writes the page again from the results in var/bench, and measures nothing.

    Example: [bold]python -m benchmarks page[/bold]
    """
    _write_page(full, Console())


def _store(name: str, result: BaseModel, full: bool, console: Console) -> None:
    """Keeps a result, and writes its page: a short one never takes the place of a full one."""
    folder = _results(full)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(result.model_dump_json(indent=1))
    _write_page(full, console)


def _results(full: bool) -> Path:
    return pages.RESULTS if full else pages.SHORT


def _write_page(full: bool, console: Console) -> None:
    target = pages.PAGE if full else pages.SHORT_PAGE
    pages.write_page(_results(full), target, pages.HEAD if full else pages.SHORT_HEAD)
    console.print(f"the tables are in {target}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    try:
        app()
    except EvergreenError as error:
        sys.exit(explain(error))
