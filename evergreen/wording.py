"""Numbers, times and states as people read them."""

import math
from datetime import UTC, datetime

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
LARGE, ROUNDING = 1e5, 1e-12
"""From here on digits after the point tell nothing; below, a difference is one of rounding."""


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
    return f"{value:.4f}" if math.fabs(value) >= 0.001 else f"{value:.2g}"  # noqa: PLR2004


def signed(value: float | None) -> str:
    """A difference, to as many digits as `number` has; what is none but for rounding is 0."""
    if value is None:
        return NOTHING
    if math.fabs(value) < ROUNDING:
        return "0"
    if float(value).is_integer() or math.fabs(value) >= LARGE:
        return f"{value:+,.0f}"
    return f"{value:+.4f}" if math.fabs(value) >= 0.001 else f"{value:+.2g}"  # noqa: PLR2004


def percent(value: float) -> str:
    """A share; one that is not nothing never reads as nothing."""
    text = "< 0.1" if 0 < value < 0.001 else f"{100 * value:.1f}".removesuffix(".0")  # noqa: PLR2004
    return f"{text}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """A time span."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
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
