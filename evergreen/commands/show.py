"""`evergreen show`: one run, from who asked for it to what came of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from evergreen.commands.opening import Opened
from evergreen.commands.options import HERE, LOCAL, Config, Overrides, Project
from evergreen.commands.showing import Json, console, next_step, plain, print_json, table

if TYPE_CHECKING:
    from rich.table import Table

    from evergreen.lineage.views import NodeView, RunView
    from evergreen.planning.plan import RunRecord

RunId = Annotated[str, typer.Argument(help="A run, of `evergreen runs`; the newest if not given.")]


def show(
    run_id: RunId = "",
    project: Project = HERE,
    config: Config = list(LOCAL),  # noqa: B006 - typer wants the default as a list
    overrides: Overrides = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Shows one run: its request, code, nodes, artifacts, metrics and gates.

    Example: [bold]evergreen show[/bold]
    """
    here = Opened.of(project, config, overrides)
    run = here.lineage.run(run_id)
    state = here.state(run.record)
    if json:
        print_json({"state": state, **run.model_dump(mode="json")})
        return
    out = console()
    out.print(f"[bold]run {run.record.run_id}[/bold]  {plain(state)}")
    for name, text in _facts(run.record):
        out.print(f"  {name:<10} {text}")
    out.print(_nodes(run))
    if run.record.results and run.record.results.metrics:
        out.print(_metrics(run.record.results.metrics))
    for gate, passed in run.record.results.gates.items() if run.record.results else ():
        mark = "[green]✓[/green]" if passed else "[red]✗[/red]"
        out.print(f"  {mark} {plain(gate)} {'passed' if passed else 'refused'}")
    for one in run.current:
        if one.node.error:
            out.print(f"  [red]✗[/red] {plain(one.node.node_id)}: {plain(one.node.error)}")
    next_step(_next(run.record, state))


def _facts(record: "RunRecord") -> list[tuple[str, str]]:
    from evergreen.reporting.wording import moment

    request, where = record.request, record.provenance
    events = ", ".join(map(plain, request.cause.events)) if request.cause else ""
    trigger = f", event {events}" if events else ""
    changed = ", with changes of its own" if where.dirty else ""
    baseline = f"version {record.baseline.version}" if record.baseline else "none was serving"
    facts = [
        ("asked by", f"{plain(request.requested_by)}: {plain(request.reason)}{trigger}"),
        ("started", moment(record.created) + (f" on {plain(where.host)}" if where.host else "")),
        *(("resumed", moment(when)) for when in record.resumed),
        ("trains on", "spans " + ", ".join(str(span.number) for span in record.window)),
        ("baseline", baseline),
        ("version", str(record.model_version or "none: an experiment")),
        ("code", f"commit {plain(where.commit)[:12] or 'not known'}{changed}"),
        ("lock", record.digests.lock[:12]),
        ("image", plain(where.image)),
        ("set", plain(", ".join(request.overrides))),
    ]
    return [(name, text) for name, text in facts if text]


def _nodes(run: "RunView") -> "Table":
    from evergreen.reporting.wording import NOTHING, duration

    # Most runs have all of their nodes on the machine that planned them.
    hosts = {one.node.host for one in run.nodes} - {run.record.provenance.host, ""}
    columns = ["part", "node", "state", "took>", "MiB>", *(["host"] if hosts else []), "made"]
    shown = table("", *columns, folds=("host", "made"))
    for one in run.nodes:
        node = one.node
        shown.add_row(
            plain(one.part),
            plain(node.node_id),
            _state(node.state),
            NOTHING if node.state == "cached" else duration(node.seconds),
            str(node.peak_memory or NOTHING),
            *([plain(node.host or NOTHING, 30)] if hosts else []),
            plain(_made(run, one)),
        )
    return shown


def _state(state: str) -> str:
    from evergreen.reporting.wording import mark

    color = {"complete": "green", "cached": "cyan", "failed": "red", "canceled": "yellow"}
    text = f"{mark(state)} {state}"
    return f"[{color[state]}]{text}[/{color[state]}]" if state in color else text


def _made(run: "RunView", one: "NodeView") -> str:
    ids = [id_ for made in one.outputs.values() for id_ in made]
    gone = {id_ for id_ in ids if run.artifacts[id_].state == "deleted"}
    return ", ".join(f"{run.artifacts[i].type} {i}{' (removed)' if i in gone else ''}" for i in ids)


def _metrics(metrics: Any) -> "Table":
    from evergreen.reporting.wording import number

    shown = table("", "metric", *(f"{plain(split)}>" for split in metrics))
    for name in dict.fromkeys(name for values in metrics.values() for name in values):
        shown.add_row(plain(name), *(number(values.get(name)) for values in metrics.values()))
    return shown


def _next(record: "RunRecord", state: str) -> str:
    if state == "running":
        return f"evergreen show {record.run_id}"
    if record.can_go_on:
        return f"evergreen resume {record.run_id}"
    return f"evergreen lineage {record.model_version}" if record.model_version else "evergreen runs"
