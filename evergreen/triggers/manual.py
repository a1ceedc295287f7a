"""On demand: a person, or a script, fires."""

from datetime import datetime

from evergreen.triggers.event import TriggerEvent

NAME = "manual"


def event(
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
        NAME, f"{NAME}:{key}", now, reason, requested_by=who, train=train, force=force
    )
