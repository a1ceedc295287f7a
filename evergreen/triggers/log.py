"""The log of the triggers in ML Metadata: events, decisions, attempts and outcomes, in order.

Each entry is a context named `<pipeline>/<sequence>`. A name can be taken once, so at most one of
two writers wins; an entry is written completely or not at all; entries never change.
"""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from pydantic import AwareDatetime, Field, RootModel

from evergreen.lineage.filters import Filter
from evergreen.lineage.retries import contended
from evergreen.lineage.store import (
    ConflictError,
    append,
    context_type,
    parse,
    set_properties,
)
from evergreen.runs.plan import Frozen, Outcome
from evergreen.triggers.decision import Decision, Ruling
from evergreen.triggers.event import TriggerEvent

TYPE = "evergreen.trigger_log"


class Noticed(Frozen):
    """An event."""

    kind: Literal["noticed"] = "noticed"
    event: TriggerEvent


class Since(Frozen):
    """The time from which a schedule applies."""

    kind: Literal["since"] = "since"
    schedule: str
    at: AwareDatetime


class Decided(Frozen):
    """A decision."""

    kind: Literal["decided"] = "decided"
    at: AwareDatetime
    decision: Decision


class Tried(Frozen):
    """A failed attempt of a run: it crashed, hung, or failed."""

    kind: Literal["tried"] = "tried"
    at: AwareDatetime
    run_id: str
    problem: str


class Ended(Frozen):
    """The outcome of a run."""

    kind: Literal["ended"] = "ended"
    at: AwareDatetime
    run_id: str
    outcome: Outcome


Entry = Noticed | Since | Decided | Tried | Ended
Kind = TypeVar("Kind", Noticed, Since, Decided, Tried, Ended)
_Whole = RootModel[Annotated[Entry, Field(discriminator="kind")]]


class TriggerLog:
    """The log of one pipeline, as read so far."""

    def __init__(self, store: MetadataStore, pipeline: str) -> None:
        self._store = store
        self._pipeline = pipeline
        self._type_id = context_type(store, TYPE)
        # Distinguishes writers of equal entries, so that only one believes to have written it.
        self._writer = uuid.uuid4().hex
        self._last_id = 0
        self._keys: dict[str, TriggerEvent] = {}
        self._ids: dict[str, TriggerEvent] = {}
        self.entries: list[Entry] = []

    def refresh(self) -> None:
        """Reads new entries.

        Reads on only from the log's own entries: of two pipelines that write at once, the smaller
        id may appear later. Within one log, entries are written one after another.
        """
        own = Filter(
            "type = ? AND id > ? AND name LIKE ?", TYPE, self._last_id, f"{self._pipeline}/%"
        )
        found = self._store.get_contexts(own.options())
        for context in sorted(found, key=lambda entry: int(entry.id)):
            if context.name.rpartition("/")[0] == self._pipeline:
                self._read(context)

    def _read(self, context: mlmd.Context) -> None:
        text = context.custom_properties["entry"].string_value
        entry = parse(_Whole, text, f"entry {context.name} of the triggers' log").root
        self.entries.append(entry)
        if isinstance(entry, Noticed):
            self._keys[entry.event.key] = self._ids[entry.event.id] = entry.event
        self._last_id = int(context.id)

    def append(self, entry: Entry) -> None:
        """Writes an entry after all that were read.

        Raises:
            ConflictError: If there are further entries.
        """
        name = f"{self._pipeline}/{len(self.entries) + 1:08d}"
        context = mlmd.Context(type_id=self._type_id, name=name)
        set_properties(context, {"entry": entry.model_dump_json(), "writer": self._writer})
        again = "Look at the log and decide again: evergreen triggers history"
        append(self._store, TYPE, context, f"the triggers of {self._pipeline}", again)
        self.refresh()

    def notice(self, event: TriggerEvent) -> TriggerEvent:
        """Writes an event, unless it is there already.

        Returns:
            The event in the log.

        Raises:
            ConflictError: If others were faster again and again.
        """
        for attempt in contended(ConflictError):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    self.refresh()
                if event.key not in self._keys:
                    self.append(Noticed(event=event))
        return self._keys[event.key]

    def since(self, schedule: str, now: datetime) -> datetime:
        """Returns when a schedule began to apply: at its first query, by a correct clock.

        Raises:
            ConflictError: If somebody else writes at the same moment.
        """
        found = [
            entry.at for entry in self.of(Since) if entry.schedule == schedule and entry.at <= now
        ]
        if not found:
            self.append(Since(schedule=schedule, at=now))
        return min(found, default=now)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Returns the entries of a kind, oldest first."""
        return [entry for entry in self.entries if isinstance(entry, kind)]

    @property
    def events(self) -> dict[str, TriggerEvent]:
        """Returns the events by id, oldest first."""
        return dict(self._ids)

    def decisions(self, event_id: str) -> list[Decided]:
        """Returns the decisions about an event, oldest first."""
        return [entry for entry in self.of(Decided) if event_id in entry.decision.events]

    @property
    def waiting(self) -> list[TriggerEvent]:
        """Returns the events that were neither refused nor led to a run.

        Includes events whose run was given up, or stopped by the data gate: then an event about
        good data gets a run without the bad data, and an event about the bad data is refused.
        Forced events are not repeated.
        """
        refused = {
            entry.run_id for entry in self.of(Ended) if entry.outcome is Outcome.DATA_REFUSED
        }
        given_up = self.given_up
        final = {
            event
            for decision in (entry.decision for entry in self.of(Decided))
            if decision.verdict is not Ruling.WAIT and decision.run_id not in given_up
            for event in decision.events
            if decision.run_id not in refused or self._ids[event].force
        }
        return [event for event in self._ids.values() if event.id not in final]

    @property
    def given_up(self) -> set[str]:
        """Returns the runs whose code changed before they ended; their events are decided again."""
        return {entry.run_id for entry in self.of(Ended) if entry.outcome is Outcome.INTERRUPTED}

    @property
    def starts(self) -> list[Decided]:
        """Returns the decisions that started a run."""
        return [entry for entry in self.of(Decided) if entry.decision.verdict is Ruling.START]

    @property
    def running(self) -> Decided | None:
        """Returns the start whose run has no outcome yet; there is at most one."""
        ended = {entry.run_id for entry in self.of(Ended)}
        return next((start for start in self.starts if start.decision.run_id not in ended), None)

    def tries(self, run_id: str) -> int:
        """Returns how many attempts of a run have failed."""
        return sum(entry.run_id == run_id for entry in self.of(Tried))
