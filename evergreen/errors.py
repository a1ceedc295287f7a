"""Errors that people can act on: what is wrong, where, and what to do next."""

from collections.abc import Iterable
from difflib import get_close_matches

from evergreen.exit_codes import ExitCode

CANDIDATES = 10
"""Ids that are named when several begin as asked."""


class EvergreenError(Exception):
    """An error whose cause lies outside the code: settings, data, or the environment.

    Attributes:
        hint: What to do next, in one sentence; may be empty.
        exit_code: What a command that ends with this error exits with.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(EvergreenError):
    """Raised when settings are wrong; nothing was started."""

    exit_code = ExitCode.WRONG


class DataError(EvergreenError):
    """Raised when a data file or a span is malformed, missing or partial; nothing was written."""

    exit_code = ExitCode.WRONG


class ChoiceError(EvergreenError):
    """Raised for a name that is not among the choices."""

    exit_code = ExitCode.WRONG


def closest(text: str, choices: Iterable[str]) -> str:
    """Returns the choice that somebody has probably meant; an empty text if none is close."""
    return next(iter(get_close_matches(text[:60], list(choices), n=1)), "")


def or_meant(text: str, choices: Iterable[str]) -> str:
    """Returns the end of a sentence: which choice was probably meant, if one is close."""
    close = closest(text, choices)
    return f"; did you mean {close!r}?" if close else "."


def complete(beginning: str, ids: Iterable[str], what: str) -> str | None:
    """Returns the id that a text is, or that alone begins with it; None if there is none.

    Args:
        beginning: What somebody wrote.
        ids: All that there are.
        what: What has such an id, such as `run`.

    Raises:
        ChoiceError: If several begin so; it names them.
    """
    found = [known for known in dict.fromkeys(ids) if known.startswith(beginning)]
    if beginning in found:
        return beginning
    if len(found) > 1:
        raise ChoiceError(
            f"the id of more than one {what} begins with {beginning[:60]!r}.",
            hint=f"Which one: {', '.join(found[:CANDIDATES])}"
            + (", ...?" if len(found) > CANDIDATES else "?"),
        )
    return found[0] if found else None


def choose(text: str, choices: Iterable[str], what: str) -> str:
    """Returns a choice if it exists.

    Args:
        text: The name that was given.
        choices: All choices.
        what: The kind of choice, such as `outcome`.

    Raises:
        ChoiceError: If it does not exist.
    """
    known = [str(choice) for choice in choices]
    if text in known:
        return text
    raise ChoiceError(
        f"there is no {what} {text[:60]!r}{or_meant(text, known)}",
        hint=f"There are: {', '.join(known)}.",
    )
