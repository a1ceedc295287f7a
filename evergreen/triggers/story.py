"""Describes triggers in words: log entries, and the whole story of an event or a run."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError, complete
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import RunReading
from evergreen.reporting.gates import verdicts
from evergreen.runs.plan import Outcome, RunRecord
from evergreen.settings import Settings
from evergreen.texts import moment
from evergreen.triggers.decision import Decision, Ruling
from evergreen.triggers.event import TriggerEvent
from evergreen.triggers.log import Decided, Ended, Entry, Noticed, Since, Tried, TriggerLog

MEANINGS = {
    Outcome.DATA_REFUSED: "stopped by the data gate; not tried again until the data changes",
    Outcome.INTERRUPTED: "given up: the code has changed since it was planned; decided again",
}
Line = tuple[str, str]
"""A subject, and a text about it."""


def line(entry: Entry) -> str:
    """Describes a log entry in a line."""
    match entry:
        case Noticed(event=event):
            return f"event {event.id}: {event.reason}"
        case Since():
            return f"{entry.schedule} holds from now on"
        case Decided(decision=decision):
            return f"{', '.join(decision.events)}: {decided(decision)}"
        case Tried():
            return f"run {entry.run_id} {entry.problem}"
        case Ended():
            return f"run {entry.run_id}: {MEANINGS.get(entry.outcome, entry.outcome)}"
        case _:
            assert_never(entry)


def decided(decision: Decision) -> str:
    """Describes a decision."""
    if decision.verdict is Ruling.START:
        return f"{decision.why}, run {decision.run_id}; {decision.window}"
    return f"{decision.verdict}: {decision.why}: {decision.reason}"


def when(entry: Entry) -> datetime:
    """Returns the time of an entry."""
    return entry.event.time if isinstance(entry, Noticed) else entry.at


def story(settings: Settings, store: MetadataStore, log: TriggerLog, name: str) -> Iterator[Line]:
    """Yields the story of an event or a run.

    Args:
        settings: The project's settings.
        store: ML Metadata.
        log: The log, already read.
        name: The id of an event, or of a run that events started.

    Raises:
        EvergreenError: If there is no such event or run.
    """
    runs = (made.decision.run_id for event in log.events for made in log.decisions(event))
    name = complete(name, [*log.events, *filter(None, runs)], "event or run") or name
    for event in _events(log, name):
        yield from _of_event(event)
        for made in log.decisions(event.id):
            yield "decision", f"{moment(made.at)}  {decided(made.decision)}"
    for start in log.starts:
        if name == start.decision.run_id or name in start.decision.events:
            yield from _of_run(settings, store, log, start)


def _events(log: TriggerLog, name: str) -> list[TriggerEvent]:
    found = [
        event
        for event in log.events.values()
        if name == event.id or any(name == made.decision.run_id for made in log.decisions(event.id))
    ]
    if not found:
        raise EvergreenError(
            f"there is no event {name}, and no run of that name that an event started.",
            hint="See what there is: evergreen triggers history",
        )
    return found


def _of_event(event: TriggerEvent) -> Iterator[Line]:
    yield "event", f"{moment(event.time)}  {event.id}, by {event.requested_by}"
    yield "reason", event.reason
    yield "key", event.key
    for name, value in event.evidence.items():
        yield "evidence", f"{name}: {value}"


def _of_run(
    settings: Settings, store: MetadataStore, log: TriggerLog, start: Decided
) -> Iterator[Line]:
    run_id = start.decision.run_id
    yield "run", f"{run_id}, started at {moment(start.at)}: {start.decision.reason}"
    yield "window", start.decision.window
    if record := RunRecords(store).find(run_id):
        baseline = f"version {record.baseline.version}" if record.baseline else "none"
        yield "baseline", baseline
        for tried in log.of(Tried):
            if tried.run_id == run_id:
                yield "try", f"{moment(tried.at)}  {tried.problem}"
        for verdict in verdicts(RunReading(store, record)):
            word = "" if verdict.word == "not run" else f"{verdict.word}; "
            yield "gate", f"{verdict.gate}: {word}{verdict.text}"
        yield from _of_version(settings, store, record)
    for end in log.of(Ended):
        if end.run_id == run_id:
            yield "outcome", f"{moment(end.at)}  {MEANINGS.get(end.outcome, end.outcome)}"
            return
    yield "outcome", "none yet"


def _of_version(settings: Settings, store: MetadataStore, record: RunRecord) -> Iterator[Line]:
    """Describes the later history of a pushed version: canary, promotion, rollback."""
    for event in Registry(store, settings.model.name).events():
        if event.model.version == record.model_version:
            told = f"version {event.model.version} is {event.stage}: {event.why}"
            yield "registry", f"{moment(event.when)}  {event.action}, {told} (by {event.who})"
            for name, value in event.evidence.items():
                yield "", f"{name}: {value}"
