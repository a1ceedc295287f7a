"""Trigger events: something happened that may be a reason for a run."""

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
    """A possible reason for a run.

    Attributes:
        id: A short name for people, derived from the key.
        trigger: The name of the trigger.
        key: An idempotency key: the same key is the same event.
        time: When it was noticed, by the controller's clock.
        reason: The reason, in words.
        evidence: The evidence, by name.
        spans: The spans concerned, if there are any.
        model_version: The version concerned, if there is one.
        train: Whether to train; otherwise spans are only ingested.
        force: Whether to repeat even what was done before, without the cache.
        requested_by: The name of a user or of the trigger.
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
        """Returns an event requested by the trigger itself, with an id derived from its key."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        fields = {"requested_by": trigger, **more}
        return cls(
            id=f"{trigger}-{digest}", trigger=trigger, key=key, time=time, reason=reason, **fields
        )


class Trigger(Protocol):
    """A source of events."""

    name: str

    def poll(self, now: datetime) -> Iterable[TriggerEvent]:
        """Returns the present events; repeated ones are recognized by their key.

        Args:
            now: The time, with a zone.
        """

    def due(self, now: datetime) -> datetime | None:
        """Returns when it must be polled next by the clock, if at all."""


def fired_event(
    key: str, now: datetime, who: str, reason: str, *, train: bool = True, force: bool = False
) -> TriggerEvent:
    """Returns the event of a person who fires.

    Args:
        key: The key; the same key is the same event.
        now: The time.
        who: The person who fires.
        reason: The reason, in words.
        train: Whether to train; otherwise new spans are only ingested.
        force: Whether to repeat even what was done before, without the cache.
    """
    return TriggerEvent.of(
        MANUAL, f"{MANUAL}:{key}", now, reason, requested_by=who, train=train, force=force
    )
