"""A page, and what is asked of it: every parameter is parsed before a page sees it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evergreen.dashboard.world import World
from evergreen.errors import EvergreenError
from evergreen.lineage.filters import is_fit
from evergreen.lineage.reader import outcome_of

MOST = 500
"""Characters of what is asked."""
LIVE = "live"
"""In the place of a span: the traffic."""


class NotFoundError(EvergreenError):
    """There is no such thing to show."""


class WrongError(EvergreenError):
    """What is asked is none of its kind."""


@dataclass(frozen=True)
class Page:
    """A page: its template and what that shows.

    Attributes:
        template: Without `.html.j2`.
        title: Of the window.
        shown: Names in the template.
        live: Whether it shows what the servers say now, as `seen`. They are asked by who asked for
            the page: a server that hangs must not keep other pages from the store.
    """

    template: str
    title: str
    shown: Mapping[str, Any]
    live: bool = False


@dataclass(frozen=True)
class Asked:
    """Parts of the path and of the query, parsed; what was not given, or empty, is not there."""

    values: Mapping[str, int | str]

    def text(self, name: str) -> str:
        """A text; empty if it was not given."""
        return str(self.values.get(name, ""))

    def number(self, name: str, default: int = 0) -> int:
        """A whole number, not negative."""
        return int(self.values.get(name, default))


Make = Callable[[World, Asked], Page]
Kind = Callable[[str], int | str]
"""Parses a text. Raises EvergreenError if it is none of the kind."""


@dataclass(frozen=True)
class Route:
    """How a page is made, and all that can be asked of it: parameters of the query by their kind.

    The parts of the path are among them.
    """

    make: Make
    takes: Mapping[str, Kind] = field(default_factory=dict)


def number(text: str) -> int:
    """A whole number, not negative."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise WrongError(f"{text[:60]!r} is no number.", hint="A whole number has digits alone.")
    return int(text)


def words(text: str) -> str:
    """A text that can be printed, in one line."""
    if not text.isprintable() or len(text) > MOST:
        raise WrongError(
            f"{text[:60]!r} is no line of text.", hint=f"At most {MOST} letters, all printable."
        )
    return text


def name(text: str) -> str:
    """What a run, an event or an action may be called."""
    if not is_fit(words(text)):
        raise WrongError(f"{text[:60]!r} is no name.", hint="Names have no quotes, no backslashes.")
    return text


def outcome(text: str) -> str:
    """How a run ended, or `none`."""
    return outcome_of(text) or ""


def measure(text: str) -> str:
    """`started`, `took`, or what a metric may be called."""
    if not re.fullmatch(r"[A-Za-z0-9_.@/(), =%-]{1,100}", text):
        raise WrongError(f"{text[:60]!r} is nothing to sort by.", hint="Try: started, took, auc")
    return text


def side(text: str) -> str:
    """A span's number, or `live`."""
    return text if text == LIVE else str(number(text))


def parse(takes: Mapping[str, Kind], given: Iterable[tuple[str, str]]) -> Asked:
    """Parses what is asked.

    Args:
        takes: The kinds, by name.
        given: Names and texts as they came: anything.

    Raises:
        WrongError: If something is none of its kind, is not known, or was given twice.
    """
    found: dict[str, int | str] = {}
    for called, text in given:
        if called not in takes:
            known = ", ".join(takes) or "none"
            raise WrongError(f"{called[:60]!r} cannot be asked here.", hint=f"There are: {known}.")
        if called in found:
            raise WrongError(f"{called} is given twice.")
        if text.strip():
            try:
                found[called] = takes[called](text.strip())
            except EvergreenError as error:
                raise WrongError(f"{called}: {error}", hint=error.hint) from error
    return Asked(found)
