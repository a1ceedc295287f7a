"""Errors that a person can act on: what is wrong, where, and what to do next."""

from collections.abc import Iterable
from difflib import get_close_matches

from evergreen.exit_codes import ExitCode


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
    """A settings file or an override is wrong; nothing was started."""

    exit_code = ExitCode.WRONG


class DataError(EvergreenError):
    """A data file or a span is malformed, missing or incomplete; nothing was written."""

    exit_code = ExitCode.WRONG


class ChoiceError(EvergreenError):
    """Something else was asked for than what there is to choose from."""

    exit_code = ExitCode.WRONG


def closest(text: str, choices: Iterable[str]) -> str:
    """Returns the choice that somebody has probably meant; an empty text if none is close."""
    return next(iter(get_close_matches(text[:60], list(choices), n=1)), "")


def or_meant(text: str, choices: Iterable[str]) -> str:
    """Returns the end of a sentence: which choice was probably meant, if one is close."""
    close = closest(text, choices)
    return f"; did you mean {close!r}?" if close else "."


def choose(text: str, choices: Iterable[str], what: str) -> str:
    """Returns what somebody has chosen by its name.

    Args:
        text: What they wrote.
        choices: All that there are.
        what: What is chosen, such as `outcome`.

    Raises:
        ChoiceError: If it is none of them.
    """
    known = [str(one) for one in choices]
    if text in known:
        return text
    raise ChoiceError(
        f"there is no {what} {text[:60]!r}{or_meant(text, known)}",
        hint=f"There are: {', '.join(known)}.",
    )
