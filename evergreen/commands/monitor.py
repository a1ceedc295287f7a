"""`evergreen monitor`: monitors live traffic, and derives limits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.errors import SettingsError
from evergreen.exit_codes import ExitCode
from evergreen.screen import fitted, next_step, table
from evergreen.texts import number, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from evergreen.monitoring.calibration import Limit
    from evergreen.monitoring.results import MonitoringResult, Window
    from evergreen.settings import Settings

SHOWN = 5
MARKS = {"fired": "[red]fired[/red]", "unsure": "unsure", "within": ""}
LIMITS = ("what", "name", "history", "distances", "limit>")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
app = typer.Typer(invoke_without_command=True, rich_markup_mode="rich")
Moment = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
]


@app.callback()
@project_options
def monitor(
    project: Project,
    context: typer.Context,
    window: Annotated[
        float, typer.Option(min=0, help="Hours to monitor, up to --until; 0: as in the settings.")
    ] = 0.0,
    since: Moment = None,
    until: Moment = None,
    version: Annotated[int, typer.Option(min=0, help="A model version; 0: the serving one.")] = 0,
) -> None:
    """Monitors the serving model's traffic and answers: drift, skew, performance, staleness.

    --since and --until are UTC. Exit codes: 0 nothing fired, 1 monitoring failed, 2 wrong settings,
    6 something fired.

    Example: [bold]evergreen monitor --window 24[/bold]
    """
    if context.invoked_subcommand:
        return
    settings = project.settings
    now = datetime.now(UTC)
    looked_at = _window(settings, now, window, since, until)

    from rich.console import Console

    from evergreen.lineage.store import open_store
    from evergreen.muted import tensorflow_muted

    console = Console()
    with console.status("reading the log of predictions"):
        with tensorflow_muted():
            from evergreen.monitoring.monitor import monitor as look
        store = open_store(settings.metadata)
        result = look(settings, store, looked_at, now, version or None)
    _show(console, settings, result)
    raise typer.Exit(ExitCode.FOUND if result.fired else ExitCode.DONE)


def _window(
    settings: "Settings",
    now: datetime,
    hours: float,
    since: datetime | None,
    until: datetime | None,
) -> "Window":
    from evergreen.monitoring.results import Window

    end = until.replace(tzinfo=UTC) if until else now
    try:
        length = timedelta(hours=hours or settings.monitoring.window_hours)
        start = since.replace(tzinfo=UTC) if since else end - length
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"--window {hours:g}: {error}.") from error
    if start >= end:
        raise SettingsError(f"the window is empty: it starts at {start} and ends at {end}.")
    if start < EPOCH:
        raise SettingsError(f"the window starts at {start}: nothing was logged before 1970.")
    if end - start > start - datetime.min.replace(tzinfo=UTC):
        raise SettingsError(f"the window is as long as all time before {start}, and is compared.")
    return Window(start=start, end=end)


def _show(console: "Console", settings: "Settings", result: "MonitoringResult") -> None:
    from evergreen.monitoring.results import PAGE, result_folder
    from evergreen.texts import many, moment

    console.print(
        f"[bold]{result.model} version {result.version}[/bold]  {moment(result.window.start)} to"
        f" {moment(result.window.end)}: {many(result.rows, 'prediction')},"
        f" {result.labelled:,} with a label",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_findings(result, console.width))
    for note in result.notes:
        console.print(f"note: {plain(note)}", style="dim", highlight=False, soft_wrap=True)
    console.print(
        f"page: {result_folder(settings, result) / PAGE}", highlight=False, soft_wrap=True
    )
    next_step(_next_step(result))


def _findings(result: "MonitoringResult", width: int) -> "Table":
    rows = [
        {
            "": MARKS[finding.mark.value],
            "what": finding.kind.value,
            "name": plain(f"{finding.name} {finding.slice}".strip()),
            "value": number(float(finding.value)),
            "interval": "..".join(map(number, finding.interval or ())),
            "limit": number(float(finding.threshold)),
            "in words": plain(finding.detail),
        }
        for finding in sorted(result.findings, key=lambda finding: not finding.fired)
    ]
    names = ("", "what", "name", "value>", "interval>", "limit>", "in words")
    folds = ("what", "name", "in words")
    return fitted(names, rows, folds=folds, optional=("interval",), width=width)


def _next_step(result: "MonitoringResult") -> str:
    from evergreen.monitoring.results import Kind

    kinds = {finding.kind for finding in result.fired}
    if Kind.SCHEMA in kinds:
        return "correct what clients send, or the schema; training on it would not help"
    if Kind.TRAFFIC in kinds:
        return "see that clients ask through the gateway, that labels arrive; or a longer --window"
    if kinds:
        return "train on newer data: evergreen run"
    if result.unjudged:
        rules = ", ".join(result.unjudged)
        return f"nothing fired, but {rules} could not be judged: see why in the notes"
    return "nothing: the model holds"


@app.command()
@project_options
def calibrate(
    project: Project,
    chance: Annotated[
        float,
        typer.Option(min=0.5, max=0.9999, help="The chance that a normal window does not fire."),
    ] = 0.99,
    output: Annotated[
        Path | None, typer.Option(help="An overlay to write; printed if not given.")
    ] = None,
) -> None:
    """Derives limits of drift and skew from history, and shows their derivation.

    History is the windows of traffic in which nothing fired; with fewer than ten, the spans.

    Example: [bold]evergreen monitor calibrate --output configs/limits.yaml[/bold]
    """
    settings = project.settings

    import yaml
    from rich.console import Console

    from evergreen.files import write_file
    from evergreen.lineage.store import open_store
    from evergreen.monitoring.calibration import calibrate as find_limits
    from evergreen.monitoring.calibration import overlay

    limits = find_limits(settings, open_store(settings.metadata), chance)
    _show_limits(Console(), limits)
    text = yaml.safe_dump(overlay(limits), sort_keys=False)
    if output is None:
        typer.echo(text)
        next_step("put it into an overlay: evergreen monitor calibrate --output FILE.yaml")
    else:
        write_file(output, text)
        next_step(f"evergreen monitor --config local --config {output}")


def _show_limits(console: "Console", limits: "list[Limit]") -> None:
    shown = table("", *LIMITS, folds=("name", "history", "distances"))
    for limit in limits:
        newest = ", ".join(f"{value:.4f}" for value in limit.distances[-SHOWN:])
        more = "... " if len(limit.distances) > SHOWN else ""
        history = f"{len(limit.distances)} of {limit.source}"
        shown.add_row(
            limit.kind.value, plain(limit.name), history, more + newest, f"{limit.limit:.4f}"
        )
    console.print(shown)
