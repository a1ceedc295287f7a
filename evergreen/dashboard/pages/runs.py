"""Run pages: the list of runs, and one run, live while it runs."""

from collections.abc import Iterator
from pathlib import Path

from evergreen.dashboard.pages.page import Asked, Page
from evergreen.dashboard.world import World
from evergreen.lineage.reader import Asked as Wanted
from evergreen.lineage.reader import outcome_of
from evergreen.lineage.run_artifacts import RunReading
from evergreen.reporting import facts, gates
from evergreen.reporting.gaps import Gaps
from evergreen.reporting.graph import Graph
from evergreen.reporting.headline import headline
from evergreen.reporting.lists import headlines, metrics_on_test, ordered, seconds
from evergreen.runs.plan import RunRecord

A_PAGE = 50
TAIL_BYTES = 8000
HEAD_BYTES = 200_000
LOGS = 20
"""The number of newest logs to search for a run's."""


def runs(world: World, asked: Asked) -> Page:
    """Lists runs."""
    number = asked.number("page", 1) or 1
    sort = asked.text("sort") or "started"
    span = asked.number("span") if asked.text("span") else None
    end = number * A_PAGE
    wanted = Wanted(
        outcome=outcome_of(asked.text("outcome")),
        by=asked.text("by"),
        span=span,
        limit=end + 1 if sort == "started" else 0,
    )
    found = ordered(world.lineage.runs(wanted), sort)
    shown = found[end - A_PAGE : end]
    metrics = headlines(found, 2)
    rows = [
        (record, world.state(record), seconds(record), metrics_on_test(record)) for record in shown
    ]
    values = {"rows": rows, "page": number, "has_more": len(found) > end, "asked": asked}
    values["metrics"] = metrics
    return Page("runs", "Runs", values)


def run(world: World, asked: Asked) -> Page:
    """Shows a run: facts, graph, nodes, log, and the link to its report."""
    record = world.record(asked.text("run"))
    state = world.state(record)
    reading = RunReading(world.store, record)
    if state == "died":
        reading.cut_off()
    events, gaps = world.lineage.events(), Gaps()

    def graphs() -> dict[str, Graph]:
        return {name: Graph.of(part) for name, part in reading.parts.items()}

    root = world.settings.pipeline.root
    told = gaps.fill("The headline", lambda: headline(reading, events), None)
    shown = {
        "record": record,
        "run_state": state,
        "headline": told if record.outcome else None,
        "summary": gaps.fill("The summary", lambda: facts.summary(reading, events), {}),
        "identity": facts.identity(record, events),
        "verdicts": gaps.fill("What the gates said", lambda: gates.verdicts(reading), []),
        "graphs": gaps.fill("The graph", graphs, {}),
        "executions": gaps.fill("The nodes", lambda: facts.executions(reading, root), []),
        "gaps": gaps.said,
        "log": _tail(world.settings.logs.folder, record) if state == "running" else "",
        "has_report": report_of(world, record).is_file(),
    }
    return Page("run", f"Run {record.run_id}", shown)


def report_of(world: World, record: RunRecord) -> Path:
    """Returns the path of a run's report, once it has ended."""
    return world.settings.reports.folder / f"{record.run_id}.html"


def _tail(folder: Path, record: RunRecord) -> str:
    """Returns the end of the libraries' output for a run."""
    for file in _logs(folder):
        with file.open("rb") as log:
            head = log.read(HEAD_BYTES)
            if record.run_id in file.name or record.run_id.encode() in head:
                begin = max(file.stat().st_size - TAIL_BYTES, 0)
                log.seek(begin)
                if begin:
                    log.readline()  # the rest of a cut line
                return log.read().decode(errors="replace")
    return ""


def _logs(folder: Path) -> Iterator[Path]:
    found = sorted(folder.glob("run-*.log"), key=lambda file: file.stat().st_mtime, reverse=True)
    yield from found[:LOGS]
