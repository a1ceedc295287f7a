"""Formats texts for people: foreign texts safely, and numbers, times and states.

Names, reasons, paths, values and errors may contain anything: markup, control characters that would
drive the terminal, or a megabyte of text.
"""

import math
from datetime import UTC, datetime

MOST = 300
"""The longest text, in characters."""
WRITTEN = {"\N{NO-BREAK SPACE}": " "}
"""Harmless characters that are not printable, with their replacement."""
STATES = {
    "complete": ("✓", "good"),
    "cached": ("↺", "same"),
    "failed": ("✗", "bad"),
    "canceled": ("■", "warn"),
    "running": ("…", "warn"),
    "cut off": ("■", "warn"),
}
"""Mark and kind of a node's state, which are shown beside the state itself."""


NOTHING = "\N{EN DASH}"
LARGE, SMALL, ROUNDING = 1e5, 1e-3, 1e-12
"""From the first on, no decimals are shown; below the second, more than four; a difference below
the third is due to rounding."""
MINUTE = 60


def shorten(text: str, most: int, sign: str = "...") -> str:
    """Shortens a text to a number of characters; a shortened text ends with the sign."""
    return text if len(text) <= most else text[: most - len(sign)] + sign


def visible(text: str, most: int = MOST) -> str:
    """Returns a text that is safe for a terminal: visible, in one line, and not too long."""
    text = shorten(text, most)
    # Not printable are line ends and escapes, but also marks that change the writing direction.
    return "".join(
        character
        if character.isprintable()
        else WRITTEN.get(character) or character.encode("unicode_escape").decode()
        for character in text
    )


def plain(value: object, most: int = MOST) -> str:
    """Returns a visible text that is also safe for rich."""
    from rich.markup import escape

    return escape(visible(str(value), most))


def mark(state: str) -> str:
    """Returns the mark of a node's state."""
    return STATES.get(state, ("·", "same"))[0]


def kind(state: str) -> str:
    """Returns the kind of a node's state: `good`, `same`, `bad` or `warn`."""
    return STATES.get(state, ("·", "same"))[1]


def count(value: float) -> str:
    """Formats a whole number."""
    return f"{value:,.0f}"


def number(value: float | None) -> str:
    """Formats a measured value with four decimals; whole numbers without decimals."""
    if value is None:
        return NOTHING
    if isinstance(value, int) or value.is_integer() or math.fabs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:.4f}" if math.fabs(value) >= SMALL else f"{value:.2g}"


def signed(value: float | None) -> str:
    """Formats a difference with the decimals of `number`; a difference due to rounding is 0."""
    if value is None:
        return NOTHING
    if math.fabs(value) < ROUNDING:
        return "0"
    if float(value).is_integer() or math.fabs(value) >= LARGE:
        return f"{value:+,.0f}"
    return f"{value:+.4f}" if math.fabs(value) >= SMALL else f"{value:+.2g}"


def percent(value: float) -> str:
    """Formats a share; a positive one is never shown as 0."""
    text = "< 0.1" if 0 < value < SMALL else f"{100 * value:.1f}".removesuffix(".0")
    return f"{text}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """Formats a duration."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(when: datetime) -> str:
    """Formats a point in time."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def spans(numbers: list[int]) -> str:
    """Names spans: `span 4`, `spans 1, 2 and 3`."""
    *most, last = map(str, numbers)
    return f"spans {', '.join(most)} and {last}" if most else f"span {last}"


def many(number: int, singular: str, plural: str = "") -> str:
    """Formats a number with its noun: `1 row`, `2 rows`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
