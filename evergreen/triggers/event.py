"""What a trigger says: something happened that may be a reason for a run."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, Self

from pydantic import AwareDatetime

from evergreen.runs.plan import Frozen

MANUAL = "manual"


class SpanId(Frozen):
    """The identity of a landed span."""

    number: int
    version: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.number} (version {self.version})"


class TriggerEvent(Frozen):
    """One reason for a run.

    Attributes:
        id: A short name for people; follows from the key.
        trigger: The name of the trigger.
        key: What happened, as an idempotency key: the same key is the same event.
        time: When it was noticed, by the controller's clock.
        reason: Why, in words.
        evidence: What speaks for it, by name.
        spans: The spans that it is about, if it is about some.
        model_version: The version that it is about, if it is about one.
        train: Whether it asks for a training; if not, for the spans to be ingested.
        force: Whether to start even what was done before, without the cache.
        requested_by: A user's name, or that of the trigger.
    """

    id: str
    trigger: str
    key: str
    time: AwareDatetime
    reason: str
    evidence: Mapping[str, str] = {}
    spans: tuple[SpanId, ...] = ()
    model_version: int | None = None
    train: bool = True
    force: bool = False
    requested_by: str

    @classmethod
    def of(cls, trigger: str, key: str, time: datetime, reason: str, **more: Any) -> Self:
        """An event with the id that follows from its key, asked for by the trigger itself."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        fields = {"requested_by": trigger, **more}
        return cls(
            id=f"{trigger}-{digest}", trigger=trigger, key=key, time=time, reason=reason, **fields
        )


class Trigger(Protocol):
    """A source of events."""

    name: str

    def poll(self, now: datetime) -> Iterable[TriggerEvent]:
        """Gives the events there are; one that was given before is known by its key.

        Args:
            now: The time, with a zone.
        """

    def due(self, now: datetime) -> datetime | None:
        """Returns when it is to be polled next because of the clock alone, if ever."""


def fired_event(
    key: str, now: datetime, who: str, reason: str, *, train: bool = True, force: bool = False
) -> TriggerEvent:
    """The event of a person who fires.

    Args:
        key: To fire with the same key again is the same event.
        now: The time.
        who: Who fires.
        reason: Why, in words.
        train: Whether to train; if not, what is new is ingested.
        force: Whether to start even what was done before, without the cache.
    """
    return TriggerEvent.of(
        MANUAL, f"{MANUAL}:{key}", now, reason, requested_by=who, train=train, force=force
    )
