"""Exit codes of the commands."""

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """The result of a command; each code means one thing.

    Attributes:
        meaning: The meaning, in words.
    """

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Creates a member from a code and its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done; of a run: pushed, nothing to do, or an experiment that passed"
    FAILED = 1, "failed; of a run: a node failed"
    WRONG = 2, "wrong settings, options or data selection; nothing was started"
    DATA_REFUSED = 3, "stopped by the data gate"
    MODEL_REFUSED = 4, "refused by the model gate"
    SERVING_REFUSED = 5, "refused by serving validation"
    FOUND = 6, "looked, and found something: a monitor fired, or doctor has things left"
    INTERRUPTED = 130, "interrupted"
