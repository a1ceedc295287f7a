"""Texts for people: from outside, as a terminal may show them, and numbers, times and states.

Names, reasons, paths, values and errors may hold anything: markup, control characters that would
drive the terminal, or a megabyte of text.
"""

import math
from datetime import UTC, datetime

MOST = 300
"""Characters of one text."""
WRITTEN = {"\N{NO-BREAK SPACE}": " "}
"""What is not printable, and harmless."""
STATES = {
    "complete": ("✓", "good"),
    "cached": ("↺", "same"),
    "failed": ("✗", "bad"),
    "canceled": ("■", "warn"),
    "running": ("…", "warn"),
    "cut off": ("■", "warn"),
}
"""Mark and kind of a node's state; the state itself is always written beside them."""


NOTHING = "\N{EN DASH}"
LARGE, SMALL, ROUNDING = 1e5, 1e-3, 1e-12
"""From the first on, no digits after the point are shown; below the second, more than four; a
difference below the third is one of rounding."""
MINUTE = 60


def shorten(text: str, most: int, sign: str = "...") -> str:
    """Returns a text of at most so many characters; one that is cut ends with a sign of it."""
    return text if len(text) <= most else text[: most - len(sign)] + sign


def visible(text: str, most: int = MOST) -> str:
    """Returns a text that a terminal takes as it is: visible, in one line, not too long."""
    text = shorten(text, most)
    # Not printable are line ends and escapes, but also marks that turn the direction of writing.
    return "".join(
        one if one.isprintable() else WRITTEN.get(one) or one.encode("unicode_escape").decode()
        for one in text
    )


def plain(value: object, most: int = MOST) -> str:
    """Returns a visible text that rich takes as it is, too."""
    from rich.markup import escape

    return escape(visible(str(value), most))


def mark(state: str) -> str:
    """The mark of a node's state."""
    return STATES.get(state, ("·", "same"))[0]


def kind(state: str) -> str:
    """What a node's state means: `good`, `same`, `bad` or `warn`."""
    return STATES.get(state, ("·", "same"))[1]


def count(value: float) -> str:
    """A whole number."""
    return f"{value:,.0f}"


def number(value: float | None) -> str:
    """A measured value, to four digits after the point; whole ones as they are."""
    if value is None:
        return NOTHING
    if isinstance(value, int) or value.is_integer() or math.fabs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:.4f}" if math.fabs(value) >= SMALL else f"{value:.2g}"


def signed(value: float | None) -> str:
    """A difference, to as many digits as `number` has; what is none but for rounding is 0."""
    if value is None:
        return NOTHING
    if math.fabs(value) < ROUNDING:
        return "0"
    if float(value).is_integer() or math.fabs(value) >= LARGE:
        return f"{value:+,.0f}"
    return f"{value:+.4f}" if math.fabs(value) >= SMALL else f"{value:+.2g}"


def percent(value: float) -> str:
    """A share; one that is not nothing never reads as nothing."""
    text = "< 0.1" if 0 < value < SMALL else f"{100 * value:.1f}".removesuffix(".0")
    return f"{text}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """A time span."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(when: datetime) -> str:
    """A point in time."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def spans(numbers: list[int]) -> str:
    """Names spans: `span 4`, `spans 1, 2 and 3`."""
    *most, last = map(str, numbers)
    return f"spans {', '.join(most)} and {last}" if most else f"span {last}"


def many(number: int, one: str, several: str = "") -> str:
    """A number with its noun: `1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
