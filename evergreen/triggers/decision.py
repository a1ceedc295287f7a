"""Decides whether to start a run, and on which spans: a pure function of events, state and time."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from evergreen.runs.plan import Frozen
from evergreen.settings.triggers import TriggerSettings, WindowSettings
from evergreen.spans import format_selection
from evergreen.texts import moment
from evergreen.triggers.event import MANUAL, SpanId, TriggerEvent

Spans = tuple[SpanId, ...]
DAY = timedelta(days=1)


def _choose(
    settings: WindowSettings,
    usable: Sequence[SpanId],
    trained: Collection[SpanId],
    *,
    anew: bool = False,
) -> Spans:
    """Chooses the window.

    Args:
        settings: The policy.
        usable: The newest version of each span, by number, without refused ones.
        trained: The spans of previous trainings.
        anew: Whether to take trained spans again if there are no others.
    """
    match settings.of:
        case "rolling":
            return tuple(usable[-settings.spans :])
        case "expanding":
            return tuple(usable)
        case "since_last":
            new = tuple(span for span in usable if span not in trained)
            return new or (tuple(usable) if anew else ())


def _describe(spans: Spans) -> str:
    """Returns spans in words, such as `spans 3-6`."""
    return f"spans {format_selection([span.number for span in spans])}"


class Ruling(StrEnum):
    """The ruling on events."""

    START = "start"
    WAIT = "wait"  # decided again later, together with further events
    REFUSE = "refuse"


class Why(StrEnum):
    """The rule behind a decision."""

    TRAIN = "train"
    INGEST = "ingest"
    RUNNING = "another run goes on"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    PROCESSED = "processed before"
    DATA_REFUSED = "data refused before"
    SUPERSEDED = "superseded"
    CANARY = "a canary is tried"
    NO_DATA = "no data"


class State(Frozen):
    """The facts for a decision.

    Attributes:
        spans: The newest complete version of each span, by number.
        ingested: The spans among them that passed the data gate.
        refused: The spans among them that the data gate refused with the present schema.
        trained: Spans of any version in the window of a training that has ended.
        windows: Windows already trained on with the present code, settings and packages.
        running: The run under way, if there is one.
        starts: The times at which trainings were started.
        serving: The serving version, if there is one.
        canary: The canary's version, if there is one.
        model: The model's name.
        sequence: The number of runs started so far.
    """

    spans: tuple[SpanId, ...] = ()
    ingested: frozenset[SpanId] = frozenset()
    refused: frozenset[SpanId] = frozenset()
    trained: frozenset[SpanId] = frozenset()
    windows: frozenset[tuple[SpanId, ...]] = frozenset()
    running: str | None = None
    starts: tuple[datetime, ...] = ()
    serving: int | None = None
    canary: int | None = None
    model: str = ""
    sequence: int = 0


class Decision(Frozen):
    """A decision about events, with its reason.

    Attributes:
        verdict: The ruling.
        why: The rule.
        reason: The rule with its figures, in words.
        events: Ids of the events.
        run_id: The id for the record of the run to start.
        spans: The spans of the run.
        window: How the spans were chosen, in words.
        cache: Whether earlier results are reused.
        until: The time at which a wait ends, if it depends on the clock.
    """

    verdict: Ruling
    why: Why
    reason: str
    events: tuple[str, ...]
    run_id: str = ""
    spans: tuple[SpanId, ...] = ()
    window: str = ""
    cache: bool = True
    until: AwareDatetime | None = None


def decide(
    events: Sequence[TriggerEvent], state: State, settings: TriggerSettings, now: datetime
) -> tuple[Decision, ...]:
    """Decides about waiting events.

    Events without anything to start are refused separately. The others share one run, or wait
    together.

    Args:
        events: The events that were neither refused nor led to a run.
        state: The facts.
        settings: The policy.
        now: The time, with a zone.

    Returns:
        Decisions that together cover each event once.
    """
    window = _window(state, settings, forced=any(event.force for event in events))
    refusals = {event.id: _refusal(event, window, state) for event in events}
    decided = [decision for decision in refusals.values() if decision]
    left = [event for event in events if refusals[event.id] is None]
    running = state.running
    for train in (True, False):
        group = [event for event in left if _trains(event, window) is train]
        if group:
            held = _wait(group, running, state, settings, now) if train else _busy(group, running)
            spans = window if train else _missing(group, state)
            decision = held or _start(group, spans, train, state, now)
            running = running or decision.run_id or None
            decided.append(decision.model_copy(update={"window": _how(decision, settings)}))
    return tuple(decided)


def _window(state: State, settings: TriggerSettings, *, forced: bool) -> tuple[SpanId, ...]:
    usable = [span for span in state.spans if forced or span not in state.refused]
    return _choose(settings.window, usable, state.trained, anew=forced)


def _refusal(event: TriggerEvent, window: tuple[SpanId, ...], state: State) -> Decision | None:
    found = _nothing_to_do(event, window, state)
    if found is None:
        return None
    why, reason = found
    return Decision(verdict=Ruling.REFUSE, why=why, reason=reason, events=(event.id,))


def _nothing_to_do(
    event: TriggerEvent, window: tuple[SpanId, ...], state: State
) -> tuple[Why, str] | None:
    if not state.spans:
        return Why.NO_DATA, "there are no spans"
    if event.force:
        return None
    return _about_its_model(event, state) or _about_its_spans(event, window, state)


def _about_its_model(event: TriggerEvent, state: State) -> tuple[Why, str] | None:
    if event.model_version is None:
        return None
    if event.model_version != state.serving:
        told = f"version {state.serving} serves" if state.serving else "nothing serves"
        return Why.SUPERSEDED, f"it is about version {event.model_version}; by now {told}"
    if state.canary is not None:
        return Why.CANARY, f"version {state.canary} is a canary: it may be the answer already"
    return None


def _about_its_spans(
    event: TriggerEvent, window: tuple[SpanId, ...], state: State
) -> tuple[Why, str] | None:
    if not event.spans:
        return _about_the_window(window, state) if event.train else _about_all(state)
    spans, named = set(event.spans).intersection(state.spans), _listed(event.spans)
    train = _trains(event, window)
    rules = {
        (Why.SUPERSEDED, f"a newer version of span {named} has landed, or it is gone"): not spans,
        (Why.DATA_REFUSED, f"the data gate refused span {named}, which has not changed"): (
            spans <= state.refused
        ),
        (Why.PROCESSED, f"a training has seen span {named}"): spans <= state.trained,
        (Why.PROCESSED, f"span {named} is ingested"): not train and spans <= state.ingested,
    }
    return next((rule for rule, holds in rules.items() if holds), None)


def _about_the_window(window: tuple[SpanId, ...], state: State) -> tuple[Why, str] | None:
    if not window:
        return Why.NO_DATA, "no span is left to train on"
    if window in state.windows:
        return Why.PROCESSED, f"there is nothing new since the training on {_describe(window)}"
    return None


def _about_all(state: State) -> tuple[Why, str] | None:
    done = set(state.spans) <= state.ingested | state.refused
    return (Why.PROCESSED, "all spans are ingested") if done else None


def _trains(event: TriggerEvent, window: tuple[SpanId, ...]) -> bool:
    """Returns whether an event leads to training: late data outside the window is only ingested."""
    return event.train and (not event.spans or bool(set(event.spans) & set(window)))


def _busy(events: Sequence[TriggerEvent], running: str | None) -> Decision | None:
    return _waiting(events, Why.RUNNING, f"run {running} goes on") if running else None


def _wait(
    events: Sequence[TriggerEvent],
    running: str | None,
    state: State,
    settings: TriggerSettings,
    now: datetime,
) -> Decision | None:
    """Returns what delays a training: another run, and for automatic events also the limits."""
    if running or any(event.trigger == MANUAL for event in events):
        return _busy(events, running)
    # A start in the future comes from a wrong clock, and delays nothing.
    past = sorted(start for start in state.starts if start <= now)
    cooldown, budget = timedelta(seconds=settings.cooldown_seconds), settings.daily_budget
    if past and now - past[-1] < cooldown:
        told = f"the last training was started at {moment(past[-1])}"
        return _waiting(events, Why.COOLDOWN, told, past[-1] + cooldown)
    recent = [start for start in past if now - start < DAY]
    if len(recent) >= budget:
        told = f"{len(recent)} trainings were started in 24 hours"
        return _waiting(events, Why.BUDGET, told, recent[-budget] + DAY)
    return None


def _waiting(
    events: Sequence[TriggerEvent], why: Why, reason: str, until: datetime | None = None
) -> Decision:
    return Decision(
        verdict=Ruling.WAIT,
        why=why,
        reason=reason + (f"; the next may be from {moment(until)}" if until else ""),
        events=tuple(event.id for event in events),
        until=until,
    )


def _start(
    events: Sequence[TriggerEvent],
    spans: tuple[SpanId, ...],
    train: bool,
    state: State,
    now: datetime,
) -> Decision:
    keys = "\n".join(sorted(event.key for event in events))
    digest = hashlib.sha256(f"{state.model}\n{state.sequence}\n{keys}".encode()).hexdigest()
    return Decision(
        verdict=Ruling.START,
        why=Why.TRAIN if train else Why.INGEST,
        reason="; ".join(dict.fromkeys(event.reason for event in events)),
        events=tuple(event.id for event in events),
        run_id=f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{digest[:6]}",
        spans=spans,
        cache=not any(event.force for event in events),
    )


def _missing(events: Sequence[TriggerEvent], state: State) -> tuple[SpanId, ...]:
    """Returns the spans only to ingest: those that events name, else all that are not ingested."""
    named = {span for event in events for span in event.spans}
    forced = any(event.force for event in events)
    usable = [span for span in state.spans if forced or span not in state.refused]
    return tuple(
        span for span in usable if span in named or not (named or span in state.ingested)
    ) or tuple(usable)


def _how(decision: Decision, settings: TriggerSettings) -> str:
    if decision.verdict is not Ruling.START:
        return ""
    if decision.why is Why.INGEST:
        return f"only ingested: {_describe(decision.spans)}"
    of = settings.window.of.replace("_", " ")
    count = f" {settings.window.spans}" if settings.window.of == "rolling" else ""
    return f"{of}{count}: {_describe(decision.spans)}"


def _listed(spans: Sequence[SpanId]) -> str:
    return ", ".join(map(str, spans))
