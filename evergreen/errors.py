"""Errors that a person can act on: what is wrong, where, and what to do next."""


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
