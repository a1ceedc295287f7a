"""The log of a model, and the stages of its versions that follow from it.

Pure functions of the events, which `registry.py` stores.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from evergreen.errors import EvergreenError
from evergreen.exit_codes import ExitCode
from evergreen.runs.plan import Frozen, ModelRef


class Stage(StrEnum):
    """The stage of a model version."""

    CANDIDATE = "candidate"  # pushed, not exposed
    CANARY = "canary"  # exposed to a part of the traffic
    SERVING = "serving"  # answers requests, and is the baseline of the next version
    ARCHIVED = "archived"  # out of use; can be promoted again
    REJECTED = "rejected"  # rolled back


class Action(StrEnum):
    """A change to a version."""

    REGISTER = "register"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    ARCHIVE = "archive"
    RESET = "reset-baseline"


class Event(Frozen):
    """One entry of a model's log.

    Attributes:
        action: The change.
        model: The changed version.
        stage: Its new stage. A rollback also makes the version that was serving *rejected*, a
            promotion makes it *archived*; a new canary archives the previous one.
        evidence: The evidence, such as the run and the path of the version.
    """

    action: Action = Action.REGISTER
    model: ModelRef
    stage: Stage
    who: str
    when: datetime
    why: str
    evidence: Mapping[str, str] = {}


class RegistryError(EvergreenError):
    """Raised when a request does not fit the stages of the versions."""

    exit_code = ExitCode.WRONG


class Stay(Frozen):
    """A period in which a version was in one stage.

    Attributes:
        event: The event that began it; another version's, if that one took its place.
        until: When it ended; None if it goes on.
    """

    stage: Stage
    event: Event
    until: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """Returns its length in seconds, until now if it goes on."""
        return ((self.until or now) - self.event.when).total_seconds()


def stages(events: Sequence[Event]) -> dict[int, Stage]:
    """Returns the stage of every version, by its number."""
    return {version: stage for _, version, stage in _changes(events)}


def stays(events: Sequence[Event]) -> dict[int, list[Stay]]:
    """Returns the past and present stages of every version, oldest first, by its number."""
    found: dict[int, list[Stay]] = {}
    for event, version, stage in _changes(events):
        before = found.setdefault(version, [])
        if before:
            before[-1] = before[-1].model_copy(update={"until": event.when})
        before.append(Stay(stage=stage, event=event))
    return found


def _changes(events: Sequence[Event]) -> Iterator[tuple[Event, int, Stage]]:
    """Yields every change: the event, a version, and the version's new stage.

    At most one version serves, and at most one is the canary. A canary ends when another replaces
    it, or when a later version serves.
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
    """Returns the serving version, which is the baseline of the next one."""
    return next((model(events, v) for v, s in stages(events).items() if s is Stage.SERVING), None)


def expect(events: Sequence[Event], version: int | None) -> None:
    """Checks that the serving version is still the one that the caller has seen.

    Args:
        events: The log.
        version: The version they saw serving; 0 for none; None if it does not matter.

    Raises:
        RegistryError: If another version serves by now.
    """
    current = serving(events)
    found = current.version if current else 0
    if version is not None and found != version:
        names = [f"version {number}" if number else "nothing" for number in (found, version)]
        raise RegistryError(
            f"{names[0]} is serving, and not {names[1]} as was expected. Nothing was changed.",
            hint="Look at what came meanwhile, and decide again: evergreen models --log",
        )


def model(events: Sequence[Event], version: int) -> ModelRef:
    """Returns a registered version.

    Raises:
        RegistryError: If it is not registered.
    """
    known = {event.model.version: event.model for event in events}
    if version not in known:
        raise RegistryError(
            f"version {version} is not in the registry.",
            hint=f"There are: {', '.join(map(str, known)) or 'none yet'}. See: evergreen models",
        )
    return known[version]


def evidence(events: Sequence[Event], version: ModelRef) -> dict[str, str]:
    """Returns the log's evidence for a change: the version's run, and the version that served."""
    entered = next(event for event in events if event.model == version)
    current = serving(events)
    served = {"served before": f"version {current.version}"} if current else {}
    return {key: value for key, value in entered.evidence.items() if key != "path"} | served


def to_promote(events: Sequence[Event], version: int) -> ModelRef:
    """Returns the version if it can be promoted.

    Raises:
        RegistryError: If it is unknown, serving, or rejected.
    """
    found = model(events, version)
    stage = stages(events)[version]
    if stage is Stage.SERVING:
        raise RegistryError(
            f"version {version} is serving already.",
            hint="See what serves, and since when: evergreen models",
        )
    if stage is Stage.REJECTED:
        raise RegistryError(
            f"version {version} is rejected: it was rolled back.",
            hint=f"If that is what you want: evergreen rollback --to {version}",
        )
    return found


def to_roll_back(events: Sequence[Event], version: int | None) -> ModelRef:
    """Returns the version to go back to: the given one, or the last that served before.

    Raises:
        RegistryError: If nothing is serving, or no other version has served.
    """
    current = serving(events)
    served = [event.model for event in events if event.stage is Stage.SERVING]
    usable = stages(events)
    earlier = [
        model
        for model in served
        if model != current
        and (model.version == version or usable[model.version] is not Stage.REJECTED)
    ]
    if version is not None:
        earlier = [model for model in earlier if model.version == version]
    if current is None or not earlier:
        why = "no version served" if version is None else f"version {version} has not served"
        raise RegistryError(
            f"there is nothing to go back to: {why} before the current one."
            if current
            else "nothing is serving.",
            hint="See who served and when: evergreen models --log",
        )
    return earlier[-1]
