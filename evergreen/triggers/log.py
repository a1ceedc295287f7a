"""The log of the triggers in ML Metadata: events, decisions, tries and ends, in order.

A context each, named `<pipeline>/<sequence>`. A name can be taken once, so of two writers at most
one wins; an entry is there whole or not at all; nothing is ever changed.
"""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from pydantic import AwareDatetime, Field, RootModel

from evergreen.errors import EvergreenError
from evergreen.lineage.filters import Filter
from evergreen.lineage.retries import contended
from evergreen.lineage.store import (
    AlreadyExistsError,
    context_type,
    parse,
    set_properties,
    take_name,
)
from evergreen.runs.plan import Frozen, Outcome
from evergreen.triggers.decision import Decision, Ruling
from evergreen.triggers.event import TriggerEvent

TYPE = "evergreen.trigger_log"


class LogConflictError(EvergreenError):
    """Somebody else wrote to the log at the same moment."""


class Noticed(Frozen):
    """An event."""

    kind: Literal["noticed"] = "noticed"
    event: TriggerEvent


class Since(Frozen):
    """From when on a schedule holds."""

    kind: Literal["since"] = "since"
    schedule: str
    at: AwareDatetime


class Decided(Frozen):
    """A decision."""

    kind: Literal["decided"] = "decided"
    at: AwareDatetime
    decision: Decision


class Tried(Frozen):
    """A try of a run that did not come to its end: it crashed, hung, or failed."""

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
    """The log of one pipeline, as far as it was read."""

    def __init__(self, store: MetadataStore, pipeline: str) -> None:
        self._store = store
        self._pipeline = pipeline
        self._type_id = context_type(store, TYPE)
        # Two writers who write the same at the same place are not both to believe that they did.
        self._writer = uuid.uuid4().hex
        self._last_id = 0
        self._keys: dict[str, TriggerEvent] = {}
        self._ids: dict[str, TriggerEvent] = {}
        self.entries: list[Entry] = []

    def refresh(self) -> None:
        """Reads what was written since.

        Only the log's own entries move it on: of two pipelines that write at once, the one with
        the smaller id may be there later. Of one log each entry is written after the one before.
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
        """Writes an entry after all that was read.

        Raises:
            LogConflictError: If there is more than was read.
        """
        name = f"{self._pipeline}/{len(self.entries) + 1:08d}"
        context = mlmd.Context(type_id=self._type_id, name=name)
        set_properties(context, {"entry": entry.model_dump_json(), "writer": self._writer})
        try:
            take_name(self._store, TYPE, context)
        except AlreadyExistsError as error:
            raise LogConflictError(
                f"the triggers of {self._pipeline}: somebody else wrote at the same moment.",
                hint="Look at the log and decide again: evergreen triggers history",
            ) from error
        self.refresh()

    def notice(self, event: TriggerEvent) -> TriggerEvent:
        """Writes an event down, unless it is there already.

        Returns:
            The event as it is in the log.

        Raises:
            LogConflictError: If others were faster each time, for long.
        """
        for attempt in contended(LogConflictError):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    self.refresh()
                if event.key not in self._keys:
                    self.append(Noticed(event=event))
        return self._keys[event.key]

    def since(self, schedule: str, now: datetime) -> datetime:
        """Returns from when on a schedule holds: since it was first asked, by a right clock.

        Raises:
            LogConflictError: If somebody else writes at the same moment.
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
        """The events by id, oldest first."""
        return dict(self._ids)

    def decisions(self, event_id: str) -> list[Decided]:
        """Returns the decisions about an event, oldest first."""
        return [entry for entry in self.of(Decided) if event_id in entry.decision.events]

    @property
    def waiting(self) -> list[TriggerEvent]:
        """Events that no run was started for, and that were not refused.

        Again those whose run was given up, or stopped by the data gate: one that is about good
        data gets a run without the bad, one that is about the bad is refused. What was forced is
        not forced twice.
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
        """Runs whose code changed before they came to an end; their events are decided again."""
        return {entry.run_id for entry in self.of(Ended) if entry.outcome is Outcome.INTERRUPTED}

    @property
    def starts(self) -> list[Decided]:
        """The decisions that started a run."""
        return [entry for entry in self.of(Decided) if entry.decision.verdict is Ruling.START]

    @property
    def running(self) -> Decided | None:
        """The start whose run has no outcome yet. There is one at most."""
        ended = {entry.run_id for entry in self.of(Ended)}
        return next((start for start in self.starts if start.decision.run_id not in ended), None)

    def tries(self, run_id: str) -> int:
        """Returns how many tries of a run have failed."""
        return sum(entry.run_id == run_id for entry in self.of(Tried))
