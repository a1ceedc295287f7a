"""`evergreen monitor`: what live traffic is like, and how good the answers were."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.opening import Opened
from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.showing import Json, console, next_step, plain, print_json, table

if TYPE_CHECKING:
    from evergreen.monitoring.findings import MonitoringResult

FIRED = 1


def monitor(
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    since: Annotated[datetime | None, typer.Option(help="From when, in UTC.")] = None,
    until: Annotated[
        datetime | None, typer.Option(help="To when, in UTC; now if not given.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0, help="How long, if --since is not given.")] = 24,
    version: Annotated[
        int | None, typer.Option(help="Of the model; the one that answered most if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Looks at the predictions of a time: skew, drift, and performance where labels have come.

    What is found goes to ML Metadata, where triggers see it. Exit code 1 if anything is beyond its
    threshold.

    Example: [bold]evergreen monitor --hours 6[/bold]
    """
    here = Opened.of(project, config, overrides)

    from evergreen.monitoring.findings import Window

    now = datetime.now(UTC)
    end = until.replace(tzinfo=UTC) if until else now
    start = since.replace(tzinfo=UTC) if since else end - timedelta(hours=hours)
    with console().status("loading TensorFlow Data Validation"):
        from evergreen.monitoring.monitor import monitor as look
    with console().status("reading the log of predictions"):
        result = look(here.settings, here.store, Window(start=start, end=end), now, version)
    if result is None:
        typer.echo(f"nobody was answered from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC")
        next_step("evergreen gateway, and ask it; the log is in gateway.log.folder")
        return
    if json:
        print_json(result)
    else:
        _show(result)
    raise typer.Exit(FIRED if result.fired else 0)


def _show(result: "MonitoringResult") -> None:
    title = (
        f"version {result.version}, {result.rows} predictions from "
        f"{result.window.start:%Y-%m-%d %H:%M} to {result.window.end:%Y-%m-%d %H:%M} UTC"
    )
    rows = table(
        title, "", "looked at", "name", "value>", "surely", "threshold>", "what", folds=("what",)
    )
    for one in sorted(result.findings, key=lambda found: not found.fired):
        name = f"{one.name} ({one.slice})" if one.slice else one.name
        surely = f"{one.interval[0]:.4g} to {one.interval[1]:.4g}" if one.interval else ""
        rows.add_row(
            "[red]fired[/red]" if one.fired else "",
            one.kind,
            plain(name),
            f"{one.value:.4g}",
            surely,
            "" if one.threshold is None else f"{one.threshold:.4g}",
            plain(one.detail),
        )
    console().print(rows)
    if result.fired:
        next_step(
            "evergreen triggers fire, or let evergreen watch decide: triggers.distribution, "
            "triggers.performance"
        )
    else:
        next_step("evergreen calibrate shows what the thresholds are worth")
