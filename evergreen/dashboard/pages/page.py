"""Pages, and requests for them: every parameter is parsed before a page sees it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evergreen.dashboard.world import World
from evergreen.errors import EvergreenError
from evergreen.lineage.filters import is_fit
from evergreen.lineage.reader import outcome_of

MOST = 500
"""The longest request, in characters."""
LIVE = "live"
"""Stands for the traffic in place of a span."""


class NotFoundError(EvergreenError):
    """Raised when there is no such thing to show."""


class WrongError(EvergreenError):
    """Raised when a parameter has the wrong form."""


@dataclass(frozen=True)
class Page:
    """A page: its template and the template's values.

    Attributes:
        template: Its name without `.html.j2`.
        title: The title of the window.
        shown: The values, by their name in the template.
        live: Whether it shows the servers' present state, as `seen`. The request's own task asks
            the servers, so that a hanging server does not keep other pages from the store.
    """

    template: str
    title: str
    shown: Mapping[str, Any]
    live: bool = False


@dataclass(frozen=True)
class Asked:
    """Parsed parts of the path and the query; missing or empty ones are left out."""

    values: Mapping[str, int | str]

    def text(self, name: str) -> str:
        """Returns a text; empty if it was not given."""
        return str(self.values.get(name, ""))

    def number(self, name: str, default: int = 0) -> int:
        """Returns a whole number that is not negative."""
        return int(self.values.get(name, default))


Make = Callable[[World, Asked], Page]
Kind = Callable[[str], int | str]
"""Parses a text. Raises EvergreenError if it has another form."""


@dataclass(frozen=True)
class Route:
    """The function that makes a page, and the kinds of all its parameters, also in the path."""

    make: Make
    takes: Mapping[str, Kind] = field(default_factory=dict)


def number(text: str) -> int:
    """Parses a whole number that is not negative."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise WrongError(f"{text[:60]!r} is no number.", hint="A whole number has digits alone.")
    return int(text)


def words(text: str) -> str:
    """Parses a printable text of one line."""
    if not text.isprintable() or len(text) > MOST:
        raise WrongError(
            f"{text[:60]!r} is no line of text.", hint=f"At most {MOST} letters, all printable."
        )
    return text


def name(text: str) -> str:
    """Parses the name of a run, an event or an action."""
    if not is_fit(words(text)):
        raise WrongError(f"{text[:60]!r} is no name.", hint="Names have no quotes, no backslashes.")
    return text


def outcome(text: str) -> str:
    """Parses the outcome of a run, or `none`."""
    return outcome_of(text) or ""


def measure(text: str) -> str:
    """Parses `started`, `took`, or the name of a metric."""
    if not re.fullmatch(r"[\w.@/(), =%-]{1,100}", text):
        raise WrongError(f"{text[:60]!r} is nothing to sort by.", hint="Try: started, took, auc")
    return text


def side(text: str) -> str:
    """Parses a span's number, or `live`."""
    return text if text == LIVE else str(number(text))


def parse(takes: Mapping[str, Kind], given: Iterable[tuple[str, str]]) -> Asked:
    """Parses the parameters of a request.

    Args:
        takes: The kinds, by name.
        given: Names and texts as they arrived, unchecked.

    Raises:
        WrongError: If a parameter has the wrong form, is unknown, or was given twice.
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
