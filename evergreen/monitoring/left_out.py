"""Files that could not be read, with the reasons."""

from pathlib import Path

from evergreen.texts import visible

SHOWN = 5


class LeftOut:
    """Files that were left out, wholly or in part.

    Args:
        what: The content of the folder, in a word.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._reasons: dict[Path, str] = {}

    def add(self, file: Path, reason: str) -> None:
        """Adds a file, unless it is there already."""
        self._reasons.setdefault(file, visible(reason))

    @property
    def sentences(self) -> list[str]:
        """Returns a sentence for each file."""
        return [f"{visible(str(file))}: {reason}" for file, reason in sorted(self._reasons.items())]

    @property
    def notes(self) -> list[str]:
        """Returns the first sentences, and the number of others."""
        told = self.sentences
        more = [f"and {len(told) - SHOWN:,} more files"] if len(told) > SHOWN else []
        return [f"{self._what} left out: {sentence}" for sentence in told[:SHOWN] + more]
