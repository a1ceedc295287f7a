"""Sentences in place of parts of a page that cannot be shown.

A failure in a report must neither stop a run nor hide other parts of the report.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from jinja2 import Environment
from markupsafe import Markup

from evergreen.errors import EvergreenError
from evergreen.texts import visible

Part = TypeVar("Part")
Other = TypeVar("Other")
log = logging.getLogger(__name__)
GAP = Markup('<p class="none gap">{} cannot be shown: {}</p>')
SECTION = Markup(
    '<section id="{}" aria-labelledby="{}-title"><h2 id="{}-title">{}</h2>{}</section>'
)
PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{}</title></head>'
    "<body><h1>{}</h1>{}</body></html>"
)


def gap(what: str, error: Exception) -> Markup:
    """Returns the sentence that replaces a part, with the reason; the log has the traceback."""
    log.info("%s cannot be shown", what, exc_info=error)
    kind = "" if isinstance(error, EvergreenError) else f"{type(error).__name__}: "
    return GAP.format(what, visible(f"{kind}{error}"))


def chart_or_gap(what: str, make: Callable[[], Markup | None]) -> Markup | None:
    """Returns a chart, or the sentence that replaces it."""
    try:
        return make()
    except Exception as error:
        return gap(what, error)


@dataclass
class Gaps:
    """Collects a sentence for each part of a page that cannot be shown."""

    said: list[Markup] = field(default_factory=list)

    def fill(self, what: str, make: Callable[[], Part], instead: Other) -> Part | Other:
        """Returns a part, or its replacement."""
        try:
            return make()
        except Exception as error:
            self.said.append(gap(what, error))
            return instead


def section(
    templates: Environment, name: str, title: str, make: Callable[[], Mapping[str, object]]
) -> Markup:
    """Renders a section of a page, or a sentence about why it cannot be shown.

    Args:
        templates: Has `NAME.html.j2`.
        name: The name of the section, and its id on the page.
        title: Its heading, for a section that cannot be shown.
        make: Returns the template's values.
    """
    try:
        text = templates.get_template(f"{name}.html.j2").render(make())
        return Markup(text)  # noqa: S704 - the templates escape
    except Exception as error:
        return SECTION.format(name, name, name, title, gap("This part", error))


def page(title: str, make: Callable[[], str]) -> str:
    """Returns a page that UTF-8 can hold, or a short page with the reason of the failure."""
    try:
        made = make()
    except Exception as error:
        made = str(PAGE.format(title, title, gap("The page", error)))
    # Paths and arguments may hold bytes that are not text.
    return made.encode(errors="replace").decode()
