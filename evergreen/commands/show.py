"""`evergreen show`: shows one run, from its request to its outcome."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evergreen.commands.options import Json, print_json
from evergreen.commands.project import Project, project_options
from evergreen.screen import console, next_step, table
from evergreen.texts import plain

if TYPE_CHECKING:
    from rich.table import Table

    from evergreen.lineage.views import NodeView, RunView
    from evergreen.runs.plan import RunRecord

MOST = 1000
"""The longest line, in characters."""
RunId = Annotated[
    str,
    typer.Argument(
        help="A run of `evergreen runs`, or how its id begins; the newest if not given."
    ),
]


@project_options
def show(
    project: Project,
    run_id: RunId = "",
    json: Json = False,
) -> None:
    """Shows one run: its request, code, nodes, artifacts, metrics and gates.

    Example: [bold]evergreen show[/bold]
    """
    run = project.lineage.run(run_id)
    state = project.state(run.record)
    if json:
        print_json({"state": state, **run.model_dump(mode="json")})
        return
    out = console()
    out.print(f"[bold]run {plain(run.record.run_id)}[/bold]  {plain(state)}")
    for name, text in [*_facts(run.record), *_predicts(project, run.record)]:
        out.print(f"  {name:<10} {text}")
    out.print(_nodes(run, state))
    if run.record.results and run.record.results.metrics:
        out.print(_metrics(run.record.results.metrics))
    for line in _outcome(project, run.record):
        out.print(line)
    next_step(_next(run.record, state))


def _outcome(project: Project, record: "RunRecord") -> Iterator[str]:
    """Yields the gates' verdicts, and the outcome with all reasons."""
    from evergreen.lineage.run_artifacts import RunReading
    from evergreen.reporting.headline import headline

    for gate, passed in record.results.gates.items() if record.results else ():
        mark = "[green]✓[/green]" if passed else "[red]✗[/red]"
        yield f"  {mark} {plain(gate)} {'passed' if passed else 'refused'}"
    if record.outcome:
        found = headline(RunReading(project.store, record), project.lineage.events())
        yield f"[bold]{plain(found.title)}[/bold]. {plain(found.why, MOST)}"
        for reason in found.reasons:
            yield f"  [red]✗[/red] {plain(reason, MOST)}"


def _facts(record: "RunRecord") -> list[tuple[str, str]]:
    from evergreen.reporting.lists import seconds
    from evergreen.runs import summaries
    from evergreen.texts import duration, moment

    request, where = record.request, record.provenance
    events = ", ".join(map(plain, request.cause.events)) if request.cause else ""
    trigger = f", event {events}" if events else ""
    changed = ", with changes of its own" if where.dirty else ""
    took = seconds(record)
    facts = [
        ("asked by", f"{plain(request.requested_by)}: {plain(request.reason)}{trigger}"),
        ("started", moment(record.created) + (f" on {plain(where.host)}" if where.host else "")),
        *(("resumed", moment(when)) for when in record.resumed),
        ("took", duration(took) if took is not None else ""),
        ("trains on", summaries.trained_on(record)),
        ("baseline", summaries.baseline(record)),
        ("version", summaries.version(record)),
        ("code", f"commit {plain(where.commit)[:12] or 'not known'}{changed}"),
        ("lock", record.digests.lock[:12]),
        ("image", plain(where.image)),
        ("set", plain(", ".join(request.overrides))),
    ]
    return [(name, text) for name, text in facts if text]


def _predicts(project: Project, record: "RunRecord") -> Iterator[tuple[str, str]]:
    """Yields what the run's model predicts, of runs that have kept it."""
    from evergreen.lineage.records import RunRecords
    from evergreen.runs.sentences import predicted
    from evergreen.settings.task import Task

    kept = RunRecords(project.store).settings(record) if record.settings else {}
    if task := kept.get("model", {}).get("task"):
        yield "predicts", plain(predicted(Task(task), kept["model"].get("classes", ())))


def _nodes(run: "RunView", run_state: str) -> "Table":
    from evergreen.lineage.run_artifacts import CUT_OFF
    from evergreen.texts import NOTHING, duration

    # Most runs have all nodes on the machine that planned them.
    hosts = {view.node.host for view in run.nodes} - {run.record.provenance.host, ""}
    columns = ["node", "state", "took>", "MiB>", *(["host"] if hosts else []), "made"]
    shown, part = table("", *columns, folds=("host", "made")), ""
    for view in sorted(run.nodes, key=_place(run)):
        node = view.node
        if view.part != part:
            part = view.part
            shown.add_row(f"[bold]{plain(part)}[/bold]")
        is_cut_off = run_state == "died" and node.state == "running"
        shown.add_row(
            f"  {plain(node.node_id)}",
            _state(CUT_OFF if is_cut_off else node.state),
            NOTHING if node.state == "cached" else duration(node.seconds),
            str(node.peak_memory or NOTHING),
            *([plain(node.host or NOTHING, 30)] if hosts else []),
            plain(_made(run, view)),
        )
    return shown


def _place(run: "RunView") -> Callable[["NodeView"], int]:
    """Returns the key that sorts nodes by part, in order of the parts' start."""
    parts = list(dict.fromkeys(view.part for view in run.nodes))
    return lambda view: parts.index(view.part)


def _state(state: str) -> str:
    from evergreen.texts import mark

    color = {"complete": "green", "cached": "cyan", "failed": "red"}
    color |= {"canceled": "yellow", "cut off": "yellow"}
    text = f"{mark(state)} {state}"
    return f"[{color[state]}]{text}[/{color[state]}]" if state in color else text


def _made(run: "RunView", view: "NodeView") -> str:
    made: dict[str, list[str]] = {}
    for artifact in (run.artifacts[id_] for ids in view.outputs.values() for id_ in ids):
        removed = " (removed)" if artifact.state == "deleted" else ""
        made.setdefault(artifact.type, []).append(f"{artifact.id}{removed}")
    return ", ".join(f"{kind} {', '.join(ids)}" for kind, ids in made.items())


def _metrics(metrics: Any) -> "Table":
    from evergreen.texts import number

    shown = table("", "metric", *(f"{plain(split)}>" for split in metrics))
    for name in dict.fromkeys(name for values in metrics.values() for name in values):
        shown.add_row(plain(name), *(number(values.get(name)) for values in metrics.values()))
    return shown


def _next(record: "RunRecord", state: str) -> str:
    if state == "running":
        return f"evergreen show {record.run_id}"
    if record.can_go_on:
        return f"evergreen resume {record.run_id}"
    if state.endswith("refused"):
        return f"evergreen report {record.run_id}"
    return f"evergreen lineage {record.model_version}" if record.model_version else "evergreen runs"
