"""The log of a model, and what follows from it: the stage of every version.

Pure functions of the events; `registry.py` keeps them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from evergreen.errors import EvergreenError
from evergreen.runs.plan import Frozen, ModelRef


class Stage(StrEnum):
    """Where a model version stands."""

    CANDIDATE = "candidate"  # pushed, not exposed
    CANARY = "canary"  # exposed to a part of the traffic
    SERVING = "serving"  # the one that answers, and the baseline of the next
    ARCHIVED = "archived"  # out of use; it can be promoted again
    REJECTED = "rejected"  # rolled back


class Action(StrEnum):
    """What was done."""

    REGISTER = "register"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    ARCHIVE = "archive"
    RESET = "reset-baseline"


class Event(Frozen):
    """One entry of a model's log.

    Attributes:
        action: What was done.
        model: The version it was done to.
        stage: The version's stage from then on. Another one that was serving is *rejected* by a
            rollback, and *archived* by a promotion; another canary is archived by the next.
        evidence: What speaks for it, such as the run and the path of the version.
    """

    action: Action = Action.REGISTER
    model: ModelRef
    stage: Stage
    who: str
    when: datetime
    why: str
    evidence: Mapping[str, str] = {}


class RegistryError(EvergreenError):
    """What was asked of the registry does not go with the stages of the versions."""

    exit_code = 2


class Stay(Frozen):
    """A time that a version was in a stage.

    Attributes:
        event: What began it; of another version, if that one took its place.
        until: When it ended; None if it goes on.
    """

    stage: Stage
    event: Event
    until: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """How long it took, or takes until now."""
        return ((self.until or now) - self.event.when).total_seconds()


def stages(events: Sequence[Event]) -> dict[int, Stage]:
    """Returns the stage of every version, by its number."""
    return {version: stage for _, version, stage in _changes(events)}


def stays(events: Sequence[Event]) -> dict[int, list[Stay]]:
    """Returns the stages that every version has been in, the oldest first, by its number."""
    found: dict[int, list[Stay]] = {}
    for event, version, stage in _changes(events):
        before = found.setdefault(version, [])
        if before:
            before[-1] = before[-1].model_copy(update={"until": event.when})
        before.append(Stay(stage=stage, event=event))
    return found


def _changes(events: Sequence[Event]) -> Iterator[tuple[Event, int, Stage]]:
    """Every change: the event, a version, and the version's stage from then on.

    One version serves, and one is the canary: a canary ends when another takes its place, or when a
    version after it serves.
    """
    current: int | None = None
    canary: int | None = None
    for event in events:
        version = event.model.version
        is_serving, is_canary = event.stage is Stage.SERVING, event.stage is Stage.CANARY
        if is_serving and current is not None and current != version:
            left = Stage.REJECTED if event.action is Action.ROLLBACK else Stage.ARCHIVED
            yield event, current, left
        is_passed = canary is not None and (is_canary or (is_serving and canary < version))
        if canary is not None and canary != version and is_passed:
            yield event, canary, Stage.ARCHIVED
            canary = None
        yield event, version, event.stage
        if is_serving or version == current:
            current = version if is_serving else None
        if is_canary or version == canary:
            canary = version if is_canary else None


def serving(events: Sequence[Event]) -> ModelRef | None:
    """Returns the version that is serving: the baseline of the next one."""
    return next((model(events, v) for v, s in stages(events).items() if s is Stage.SERVING), None)


def expect(events: Sequence[Event], version: int | None) -> None:
    """Checks that it is still the version which somebody has seen that a change takes from serving.

    Args:
        events: The log.
        version: What they saw serving; 0 if nothing was; None if it does not matter.

    Raises:
        RegistryError: If it is another one by now.
    """
    current = serving(events)
    found = current.version if current else 0
    if version is not None and found != version:
        names = [f"version {one}" if one else "nothing" for one in (found, version)]
        raise RegistryError(
            f"{names[0]} is serving, and not {names[1]} as was expected. Nothing was changed.",
            hint="Look at what came meanwhile, and decide again: evergreen models --log",
        )


def model(events: Sequence[Event], version: int) -> ModelRef:
    """Returns a version that was registered.

    Raises:
        RegistryError: If it was not.
    """
    known = {event.model.version: event.model for event in events}
    if version not in known:
        raise RegistryError(
            f"version {version} is not in the registry.",
            hint=f"There are: {', '.join(map(str, known)) or 'none yet'}. See: evergreen models",
        )
    return known[version]


def evidence(events: Sequence[Event], version: ModelRef) -> dict[str, str]:
    """Returns what the log itself says of a change: the run of the version, and who served."""
    entered = next(event for event in events if event.model == version)
    current = serving(events)
    served = {"served before": f"version {current.version}"} if current else {}
    return {key: value for key, value in entered.evidence.items() if key != "path"} | served


def to_promote(events: Sequence[Event], version: int) -> ModelRef:
    """Returns the version if it may become serving.

    Raises:
        RegistryError: If it is unknown, serves already, or was rejected.
    """
    found = model(events, version)
    stage = stages(events)[version]
    if stage is Stage.SERVING:
        raise RegistryError(f"version {version} is serving already.")
    if stage is Stage.REJECTED:
        raise RegistryError(
            f"version {version} is rejected: it was rolled back.",
            hint=f"If that is what you want: evergreen rollback --to {version}",
        )
    return found


def to_roll_back(events: Sequence[Event], version: int | None) -> ModelRef:
    """Returns the version to go back to: the one given, or the last that served before.

    Raises:
        RegistryError: If nothing is serving, or no other version has served.
    """
    current = serving(events)
    served = [event.model for event in events if event.stage is Stage.SERVING]
    usable = stages(events)
    earlier = [
        one
        for one in served
        if one != current and (one.version == version or usable[one.version] is not Stage.REJECTED)
    ]
    if version is not None:
        earlier = [one for one in earlier if one.version == version]
    if current is None or not earlier:
        why = "no version served" if version is None else f"version {version} has not served"
        raise RegistryError(
            f"there is nothing to go back to: {why} before the current one."
            if current
            else "nothing is serving.",
            hint="See who served and when: evergreen models --log",
        )
    return earlier[-1]
