"""The plain facts of a run: the summary under the headline, and all ids at the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evergreen.lineage.nodes import NodeState
from evergreen.lineage.run_artifacts import PartReader, RunReading
from evergreen.lineage.stages import Event, serving, stages
from evergreen.runs import sentences, summaries
from evergreen.runs.plan import Provenance, RunRecord
from evergreen.runs.reports.model import ModelReport
from evergreen.texts import count, duration, moment, spans

Facts = dict[str, str]


@dataclass(frozen=True)
class Execution:
    """A node's execution, and the places of its outputs.

    Attributes:
        part: The part of the run.
        node: Its state.
        made: Key, artifact id, type and place of its outputs.
    """

    part: str
    node: NodeState
    made: Sequence[tuple[str, int, str, str]]


def summary(reading: RunReading, events: Sequence[Event]) -> Facts:
    """Returns requester, times and rows of a run, and what serves now."""
    record, now = reading.record, serving(events)
    rows = sum(span.report.kept_rows for span in reading.spans if span.report)
    window = spans([span.number for span in record.window]).capitalize()
    ended, report = record.finished, reading.report(ModelReport)
    predicts = sentences.predicted(report.task, report.classes) if report else ""
    baseline = summaries.baseline(record)
    facts = {
        "Asked for by": record.request.requested_by,
        "Because": record.request.reason,
        "Started": moment(record.created),
        "Took": duration((ended - record.created).total_seconds()) if ended else "not ended",
        "Window": f"{window}, {count(rows)} rows kept" if rows else window,
        "Baseline": baseline[:1].upper() + baseline[1:],
        "Serving now": f"Version {now.version}" if now else "Nothing yet",
        "Predicts": predicts[:1].upper() + predicts[1:],
    }
    return {name: fact for name, fact in facts.items() if fact}


def identity(record: RunRecord, events: Sequence[Event]) -> Facts:
    """Returns the ids of a run, and those it depends on."""
    version = record.model_version
    stage = stages(events).get(version) if version else None
    facts = {
        "Run": record.run_id,
        "Pipeline": f"{record.pipeline}, on the {record.orchestrator} orchestrator",
        "Model version": f"{version} ({stage or 'not pushed'})"
        if version
        else summaries.version(record),
        "Baseline": f"version {record.baseline.version}, artifact {record.baseline.artifact_id}"
        if record.baseline and record.request.train
        else summaries.baseline(record),
        "Run key": record.run_key,
        "Train key": record.train_key,
        "Transform key": record.transform_key,
        "Cache": "used" if record.request.cache else "not used",
    }
    if record.pins:
        facts["Pinned examples"] = ", ".join(f"artifact {id_}" for id_ in record.pins.examples)
        cache = record.pins.analyzer_cache
        facts["Pinned analyzer cache"] = f"artifact {cache}" if cache else "none"
    digests = record.digests.model_dump()
    facts |= _place(record.provenance)
    return facts | {f"Digest of {name.replace('_', ' ')}": value for name, value in digests.items()}


def _place(where: Provenance) -> Facts:
    """Returns the machine and the state of the code that planned it, as far as known."""
    changed = ", with changes of its own" if where.dirty else ""
    known = {
        "Commit": where.commit and where.commit + changed,
        "Image": where.image,
        "Machine": where.host,
        "Evergreen": where.package,
    }
    return {name: value for name, value in known.items() if value}


def executions(reading: RunReading, root: Path) -> list[Execution]:
    """Returns every execution of a run, with places relative to the pipeline's root."""
    return [
        Execution(name, node, list(_made(part, node.node_id, root)))
        for name, part in reading.parts.items()
        for node in part.nodes.values()
    ]


def _made(part: PartReader, node: str, root: Path) -> Iterator[tuple[str, int, str, str]]:
    for key, artifacts in part.outputs(node).items():
        for artifact in artifacts:
            place = Path(artifact.uri)
            shown = place.relative_to(root) if place.is_relative_to(root) else place
            yield key, artifact.id, artifact.type, str(shown)
