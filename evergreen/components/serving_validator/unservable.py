"""The one error that is the model's own fault."""

from evergreen.errors import EvergreenError


class UnservableError(EvergreenError):
    """The model cannot be read, loaded or asked. The validator refuses it."""
