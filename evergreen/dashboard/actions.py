"""The actions of pages; each is a command, so that the same checks apply as on the terminal."""

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evergreen.dashboard.pages.page import Asked, NotFoundError, Page, number
from evergreen.dashboard.world import World
from evergreen.launch import evergreen
from evergreen.lineage.stages import Event, serving, to_promote, to_roll_back

REASON = "from the dashboard"
SECONDS = 180
"""The time limit of a command; a rollback loads a model first."""


@dataclass(frozen=True)
class Place:
    """The options that tell commands of a project and its settings."""

    options: tuple[str, ...]

    def command(self, *words: str) -> list[str]:
        """Returns a command for this project."""
        return evergreen(*words, *self.options)


@dataclass(frozen=True)
class Prepared:
    """A possible action.

    Attributes:
        what: Its effect, in words.
        words: The command, without options.
        back: The page to show afterwards.
        goes_on: Whether it continues in the background.
    """

    what: str
    words: tuple[str, ...]
    back: str
    goes_on: bool = False


def _promote(world: World, subject: Asked) -> Prepared:
    events = world.lineage.events()
    version, now = number(subject.text("subject")), _serving(events)
    to_promote(events, version)
    taken = f"version {now}, which serves now, is archived" if now else "nothing serves now"
    what = f"Version {version} serves from then on; {taken}."
    return Prepared(what, ("promote", str(version), f"--expect={now}"), f"/models/{version}")


def _rollback(world: World, subject: Asked) -> Prepared:
    events = world.lineage.events()
    asked = number(subject.text("subject") or "0") or None
    version, now = to_roll_back(events, asked).version, _serving(events)
    what = (
        f"Version {version} serves again, once it has loaded and answered its recorded requests;"
        f" version {now}, which serves now, is rejected."
    )
    words = ("rollback", f"--to={version}", f"--expect={now}")
    return Prepared(what, words, f"/models/{version}")


def _serving(events: Sequence[Event]) -> int:
    """Returns the serving version; 0 if there is none."""
    current = serving(events)
    return current.version if current else 0


def _resume(world: World, subject: Asked) -> Prepared:
    record = world.record(subject.text("subject"))
    if not record.can_go_on or world.state(record) == "running":
        raise NotFoundError(f"run {record.run_id} is {world.state(record)}: it cannot go on.")
    what = "The run goes on under its own id; nodes that have finished are not executed again."
    return Prepared(what, ("resume", record.run_id), f"/runs/{record.run_id}", goes_on=True)


def _fire(world: World, subject: Asked) -> Prepared:
    del world, subject
    what = "An event is written down; an `evergreen watch` that runs decides about it."
    return Prepared(what, ("triggers", "fire"), "/triggers")


ACTIONS: dict[str, tuple[str, Callable[[World, Asked], Prepared]]] = {
    "promote": ("Promote", _promote),
    "rollback": ("Roll back", _rollback),
    "resume": ("Resume", _resume),
    "fire": ("Fire", _fire),
}
"""Actions by name, with their title and the function that prepares them."""


def prepare(world: World, asked: Asked) -> Prepared:
    """Returns an action that is possible now.

    Raises:
        EvergreenError: If it is not possible, or there is none of that name.
    """
    name = asked.text("action")
    if name not in ACTIONS:
        raise NotFoundError(f"{name[:60]}: there is no such action.")
    return ACTIONS[name][1](world, asked)


def confirm(world: World, asked: Asked) -> Page:
    """Returns the page that asks for confirmation."""
    prepared = prepare(world, asked)
    title = ACTIONS[asked.text("action")][0]
    shown = {
        "title": title,
        "prepared": prepared,
        "action": asked.text("action"),
        "subject": asked.text("subject"),
        "seen": seen(world),
    }
    return Page("confirm", title, shown)


def seen(world: World) -> str:
    """Returns the state of the registry that a person decides on: the length of its log."""
    return str(len(world.lineage.events()))


async def carry_out(place: Place, prepared: Prepared, reason: str) -> tuple[int, str]:
    """Runs the command of an action.

    Returns:
        Its exit code and output; 0 at once if it continues in the background.
    """
    words = prepared.words
    if prepared.goes_on:
        subprocess.Popen(  # noqa: S603 - a command of our own, which outlives this process
            place.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return 0, ""
    process = await asyncio.create_subprocess_exec(
        *place.command(*words, f"--reason={reason or REASON}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        process.kill()
        return 1, f"the command took more than {SECONDS} s, and was given up"
    return process.returncode or 0, said.decode(errors="replace")
