"""Trigger pages: the active triggers, the log, and the story of an event or a run."""

from dataclasses import dataclass
from datetime import UTC, datetime

from evergreen.dashboard.pages.page import Asked, Page
from evergreen.dashboard.world import World
from evergreen.triggers import configured, leader
from evergreen.triggers.event import MANUAL
from evergreen.triggers.log import Decided, Ended, Entry, Noticed, Tried
from evergreen.triggers.story import line, story, when

A_PAGE = 100


@dataclass(frozen=True)
class Trigger:
    """A trigger: the number of its events, the newest, and its next due time, if it has one."""

    name: str
    events: int
    last: datetime | None
    due: datetime | None


def switched_on(world: World) -> list[Trigger]:
    """Returns the active triggers, and the manual one."""
    log = world.log()
    found = {
        trigger.name: trigger for trigger in configured.triggers(world.settings, world.store, log)
    }
    times = {name: [e.time for e in log.events.values() if e.trigger == name] for name in found}
    times[MANUAL] = [e.time for e in log.events.values() if e.trigger == MANUAL]
    now = datetime.now(UTC)
    return [
        Trigger(
            name,
            len(of_it),
            of_it[-1] if of_it else None,
            found[name].due(now) if name in found else None,
        )
        for name, of_it in times.items()
    ]


def is_watched(world: World) -> bool:
    """Returns whether an `evergreen watch` acts on them."""
    return leader.lease(world.settings).is_taken()


def triggers(world: World, asked: Asked) -> Page:
    """Lists triggers and the newest entries of the log."""
    del asked
    entries = world.log().entries[-A_PAGE:][::-1]
    lines = [(when(entry), line(entry), _subject(entry)) for entry in entries]
    shown = {"triggers": switched_on(world), "watched": is_watched(world), "lines": lines}
    return Page("triggers", "Triggers", shown)


def explain(world: World, asked: Asked) -> Page:
    """Shows the whole story of an event or of a run."""
    name = asked.text("id")
    lines = list(story(world.settings, world.store, world.log(), name))
    return Page("story", name, {"name": name, "lines": lines})


def _subject(entry: Entry) -> str:
    """Returns the id of an entry's event or run, under which its story is told."""
    match entry:
        case Noticed(event=event):
            return event.id
        case Decided(decision=decision):
            return decision.events[0] if decision.events else ""
        case Tried() | Ended():
            return entry.run_id
        case _:
            return ""
