"""Lineage as trees: from a model to all its sources, from a span to its models."""

from collections.abc import Iterator

from evergreen.errors import EvergreenError
from evergreen.lineage.reader import Asked, Lineage
from evergreen.lineage.stages import Event, stages
from evergreen.lineage.views import ArtifactView, Branch, GraphView, RunView, VersionView, Way
from evergreen.runs import summaries
from evergreen.runs.nodes import CURATED_SCHEMA, EVALUATOR, TRAINER
from evergreen.runs.plan import Outcome, RunRecord, SpanRef
from evergreen.texts import moment


def model_tree(lineage: Lineage, number: int) -> Branch:
    """Returns the sources of a model version, its author, and its later history.

    Raises:
        RegistryError: If there is no such version.
    """
    version = lineage.version(number)
    run_id = lineage.run_of(version)
    made_of: tuple[Branch, ...] = ()
    if run_id:
        run = lineage.run(run_id)
        models = [artifact.id for artifact in run.made(TRAINER, "model")]
        graph = lineage.graph(models, Way.UP) if models else None
        made_of = (_run(run.record, tuple(_made_of(run, graph))),)
    became = Branch(kind="down", name="what became of it", branches=tuple(_down(lineage, version)))
    up = Branch(kind="up", name="what it was made of", branches=made_of)
    artifact = f", artifact {version.artifact_id}" if version.artifact_id else ""
    stage = version.stage or "never registered"
    text = f"{stage}{artifact}"
    return Branch(
        kind="model", name=f"version {number}", text=text, number=number, branches=(up, became)
    )


def span_tree(lineage: Lineage, number: int) -> Branch:
    """Returns every version of a span, the runs that trained on it, and the models they made.

    Raises:
        EvergreenError: If no run has seen the span.
    """
    records = lineage.runs(Asked(span=number))
    if not records:
        raise EvergreenError(
            f"no run has trained on span {number}.", hint="See: evergreen data list"
        )
    known = stages(lineage.events())
    contents: dict[tuple[int, str], list[RunRecord]] = {}
    for record in reversed(records):
        [span] = [span for span in record.window if span.number == number]
        contents.setdefault((span.version, span.sha256), []).append(record)
    branches = []
    for (version, sha256), runs in sorted(contents.items()):
        name, below = f"span {number}, version {version}", []
        for record in runs:
            made = 0 if record.outcome is Outcome.DATA_REFUSED else record.model_version or 0
            stage = known.get(made) or "never registered"
            model = Branch(kind="model", name=f"version {made}", text=stage, number=made)
            below.append(_run(record, (model,) if made else ()))
        text = f"sha256 {sha256[:12]}"
        branches.append(
            Branch(kind="examples", name=name, text=text, number=number, branches=tuple(below))
        )
    return Branch(kind="span", name=f"span {number}", number=number, branches=tuple(branches))


def _run(record: RunRecord, branches: tuple[Branch, ...]) -> Branch:
    asked = f"{record.request.requested_by}: {record.request.reason}"
    cause = record.request.cause
    trigger = f" (event {', '.join(cause.events)})" if cause else ""
    text = f"{record.outcome or 'not ended'}, {moment(record.created)}, {asked}{trigger}"
    return Branch(kind="run", name=record.run_id, text=text, branches=branches)


def _made_of(run: RunView, graph: GraphView | None) -> Iterator[Branch]:
    record = run.record
    for place, span in enumerate(record.window):
        yield _examples(span, place, record, graph)
    for schema in run.made(CURATED_SCHEMA, "schema"):
        digest = f"sha256 {record.digests.table_schema[:12]}"
        yield Branch(kind="schema", name=_artifact(schema), text=digest, number=schema.id)
    yield _code(record)
    number = record.baseline.version if record.baseline else 0
    text = "what it was compared with" if record.baseline else ""
    yield Branch(kind="baseline", name=summaries.baseline(record), text=text, number=number)
    yield from _evaluation(run)


def _examples(span: SpanRef, place: int, record: RunRecord, graph: GraphView | None) -> Branch:
    ids = record.pins.examples if record.pins else ()
    text = f"sha256 {span.sha256[:12]}"
    if place < len(ids):
        maker = graph.maker(ids[place]) if graph else None
        text += f", artifact {ids[place]}" + (f", ingested by run {maker.run_id}" if maker else "")
    name = f"span {span.number}, version {span.version}"
    return Branch(kind="examples", name=name, text=text, number=span.number)


def _code(record: RunRecord) -> Branch:
    where = record.provenance
    commit = f"commit {where.commit[:12]}" if where.commit else "no commit known"
    text = f"{commit}{', with changes of its own' if where.dirty else ''}"
    digests = [
        Branch(kind="digest", name=name.replace("_", " "), text=f"sha256 {value[:12]}")
        for name, value in record.digests.model_dump().items()
        if value
    ]
    if where.image:
        digests.append(Branch(kind="digest", name="image", text=where.image))
    return Branch(kind="code", name=text, branches=tuple(digests))


def _evaluation(run: RunView) -> Iterator[Branch]:
    results = run.record.results
    for evaluation in run.made(EVALUATOR, "evaluation"):
        metrics = results.metrics.get("test", {}) if results else {}
        known = [f"{name} {value:.4g}" for name, value in metrics.items() if value is not None]
        name, text = _artifact(evaluation), ", ".join(known)
        yield Branch(kind="evaluation", name=name, text=text, number=evaluation.id)
    for gate, passed in results.gates.items() if results else ():
        yield Branch(kind="gate", name=gate, text="passed" if passed else "refused")


def _down(lineage: Lineage, version: VersionView) -> Iterator[Branch]:
    if version.path:
        yield Branch(kind="pushed", name=version.path)
    for event in version.events:
        yield _event(event)
    if version.artifact_id is None:
        return
    graph = lineage.graph([version.artifact_id], Way.DOWN, hops=1)
    others = {execution.run_id for execution in graph.executions.values()} - {version.run_id, ""}
    for run_id in sorted(others):
        record = lineage.record(run_id)
        made = f"version {record.model_version}: " if record.model_version else ""
        yield Branch(kind="baseline of", name=run_id, text=f"{made}{record.outcome or 'not ended'}")


def _event(event: Event) -> Branch:
    what = f"{event.action}: {event.stage}"
    text = f"{moment(event.when)}, {event.who}: {event.why}"
    return Branch(kind="event", name=what, text=text)


def _artifact(artifact: ArtifactView) -> str:
    return f"{artifact.type} {artifact.id}"
