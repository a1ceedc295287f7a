"""Errors that a person can act on: what is wrong, where, and what to do next."""

from collections.abc import Iterable
from difflib import get_close_matches


class EvergreenError(Exception):
    """An error whose cause lies outside the code: settings, data, or the environment.

    Attributes:
        hint: What to do next, in one sentence; may be empty.
        exit_code: Process exit code of a command that ends with this error.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(EvergreenError):
    """A settings file or an override is wrong; nothing was started."""

    exit_code = 2


class DataError(EvergreenError):
    """A data file or a span is malformed, missing or incomplete; nothing was written."""

    exit_code = 2


class ChoiceError(EvergreenError):
    """Something else was asked for than what there is to choose from."""

    exit_code = 2


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
    close = get_close_matches(text[:60], known, n=1)
    raise ChoiceError(
        f"there is no {what} {text[:60]!r}" + (f"; did you mean {close[0]!r}?" if close else "."),
        hint=f"There are: {', '.join(known)}.",
    )
