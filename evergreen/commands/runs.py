"""`evergreen runs`: lists runs with their times, reasons and outcomes."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.screen import console, fitted, next_step
from evergreen.texts import plain

if TYPE_CHECKING:
    from rich.table import Table

    from evergreen.lineage.reader import Asked
    from evergreen.runs.plan import RunRecord

POLL_SECONDS = 1.0
METRIC = "metric"
"""Stands for the metric by which the runs are shown."""
USE_CASE = "use case"
COLUMNS = (
    "run", USE_CASE, "started", "took>", "came to", "version>", "spans", f"{METRIC}>", "by",
    "because",
)  # fmt: skip
FOLDS = ("spans", "by", "because")
OPTIONAL = ("started", "by", "spans", "took", "because", METRIC)
"""The columns to leave out on a narrow terminal; ids begin with the time."""
COLORS = {"failed": "red", "died": "red", "interrupted": "yellow", "running": "cyan"}


@project_options
def runs(
    project: Project,
    outcome: Annotated[
        str, typer.Option(help="Only runs with this outcome: pushed, failed, 'model refused', ...")
    ] = "",
    by: Annotated[str, typer.Option(help="Only runs requested by this user or trigger.")] = "",
    span: Annotated[
        int | None, typer.Option(help="Only runs with this span in their window.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only runs planned since then, in UTC.")
    ] = None,
    sort: Annotated[
        str, typer.Option(help="started, took, or a metric such as auc; largest first.")
    ] = "started",
    limit: Annotated[int, typer.Option(min=0, help="The most runs to list; 0 for all.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", help="Keep updating, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Lists the runs of all use cases, or of the one that is named, newest first.

    Example: [bold]evergreen runs --outcome pushed --sort auc --limit 5[/bold]
    """
    from evergreen.lineage.reader import Asked, outcome_of
    from evergreen.reporting.lists import ordered

    ended = outcome_of(outcome)  # a wrong word is reported before anything is opened
    when = since.replace(tzinfo=UTC) if since else None
    # If the order is not the store's, the list is cut after sorting.
    asked = Asked(
        outcome=ended, by=by, span=span, since=when, limit=limit if sort == "started" else 0
    )

    def look() -> "list[RunRecord]":
        found = [run for member in project.members for run in member.lineage.runs(asked)]
        found.sort(key=lambda record: record.created, reverse=True)
        return ordered(found, sort)[: limit or None]

    if follow and not json:
        _follow(lambda: _table(project, look()))
        return
    found = look()
    if json:
        print_json(
            [{**record.model_dump(mode="json"), "state": project.state(record)} for record in found]
        )
        return
    _show(project, found, asked)


def _show(project: Project, found: "list[RunRecord]", asked: "Asked") -> None:
    if found:
        console().print(_table(project, found), soft_wrap=False)
        next_step(_next(project, found))
    elif asked.by or asked.conditions():
        typer.echo("no run matches")
        next_step("evergreen runs")
    else:
        typer.echo("there is no run yet")
        next_step("evergreen run")


def _table(project: Project, found: "list[RunRecord]") -> "Table":
    from evergreen.reporting.lists import headlines

    [metric] = headlines(found) or [METRIC]
    rows = [_cells(record, project.state(record), metric) for record in found]
    hidden = USE_CASE if len(project.members) == 1 else ""
    columns, optional = (
        [name.replace(METRIC, metric) for name in names if name != hidden]
        for names in (COLUMNS, OPTIONAL)
    )
    return fitted(columns, rows, FOLDS, optional, console().width)


def _cells(record: "RunRecord", state: str, metric: str) -> dict[str, str]:
    from evergreen.reporting.lists import metrics_on_test, seconds
    from evergreen.texts import NOTHING, duration, moment, number

    color = COLORS.get(state, "")
    took, value = seconds(record), metrics_on_test(record).get(metric)
    return {
        "run": plain(record.run_id),
        "use case": plain(record.model),
        "started": moment(record.created),
        "took": duration(took) if took is not None else NOTHING,
        "came to": f"[{color}]{state}[/{color}]" if color else plain(state),
        "version": str(record.model_version or NOTHING),
        "spans": plain(", ".join(str(span.number) for span in record.window)),
        metric: number(value),
        "by": plain(record.request.requested_by, 30),
        "because": plain(record.request.reason, 60),
    }


def _follow(draw: "Callable[[], Table]") -> None:
    from rich.live import Live

    with Live(draw(), auto_refresh=False) as live:
        try:
            while True:
                time.sleep(POLL_SECONDS)
                live.update(draw(), refresh=True)
        except KeyboardInterrupt:
            pass
    next_step("evergreen show RUN")


def _next(project: Project, found: "list[RunRecord]") -> str:
    newest = max(found, key=lambda record: record.created)
    if newest.can_go_on and project.state(newest) != "running":
        return f"evergreen resume {newest.run_id}"
    return f"evergreen show {newest.run_id}"
