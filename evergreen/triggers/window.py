"""Which spans a training takes."""

from collections.abc import Collection, Sequence

from evergreen.settings.triggers import WindowSettings
from evergreen.spans import format_selection
from evergreen.triggers.event import SpanId

Spans = tuple[SpanId, ...]


def choose(
    settings: WindowSettings,
    usable: Sequence[SpanId],
    trained: Collection[SpanId],
    *,
    anew: bool = False,
) -> Spans:
    """Chooses the window.

    Args:
        settings: The policy.
        usable: The newest version of each span, by number, without those that were refused.
        trained: What trainings have seen.
        anew: Whether what was trained on counts as not seen if nothing else is left.
    """
    match settings.of:
        case "rolling":
            return tuple(usable[-settings.spans :])
        case "expanding":
            return tuple(usable)
        case "since_last":
            new = tuple(span for span in usable if span not in trained)
            return new or (tuple(usable) if anew else ())


def describe(spans: Spans) -> str:
    """Spans in words, such as `spans 3-6`."""
    return f"spans {format_selection([span.number for span in spans])}"
