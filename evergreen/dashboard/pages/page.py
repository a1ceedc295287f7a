"""A page, and what is asked of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evergreen.dashboard.world import World
from evergreen.errors import EvergreenError

MOST = 500
"""Characters of what is asked."""


class NotFoundError(EvergreenError):
    """There is no such thing to show."""


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
    """Parts of the path and of the query, as they came: anything."""

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """A text; empty if it was not given."""
        return self.values.get(name, "").strip()[:MOST]

    def number(self, name: str, default: int = 0) -> int:
        """A whole number, not negative.

        Raises:
            NotFoundError: If it is none.
        """
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise NotFoundError(f"{name}: {text[:60]} is no number.")
        return int(text)


Make = Callable[[World, Asked], Page]
