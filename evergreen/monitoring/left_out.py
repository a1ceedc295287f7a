"""What of a folder could not be read, and why: named, and left out."""

from pathlib import Path

from evergreen.visible import visible

SHOWN = 5


class LeftOut:
    """Files that were left out, or parts of them.

    Args:
        what: What the folder holds, in a word.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._reasons: dict[Path, str] = {}

    def add(self, file: Path, reason: str) -> None:
        """Names a file; what is told again of it is not."""
        self._reasons.setdefault(file, visible(reason))

    @property
    def sentences(self) -> list[str]:
        """What was left out, one by one."""
        return [f"{visible(str(file))}: {reason}" for file, reason in sorted(self._reasons.items())]

    @property
    def notes(self) -> list[str]:
        """The first of these, and how many others there are."""
        told = self.sentences
        more = [f"and {len(told) - SHOWN:,} more files"] if len(told) > SHOWN else []
        return [f"{self._what} left out: {one}" for one in told[:SHOWN] + more]
