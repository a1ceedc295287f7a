"""Counts any number of names, in bounded memory."""

from collections import Counter
from collections.abc import Iterable
from typing import Self

from evergreen.texts import many, shorten, visible

CAPACITY = 256
LONGEST = 80
"""The characters to keep of a name."""
SHOWN = 5


class Names:
    """The names in rows, the most frequent ones with their counts.

    Misra and Gries, "Finding repeated elements", 1982, in batches: of twice the capacity, the
    larger half is kept, minus the count of the next. A count is too small by at most `added /
    CAPACITY`, so every more frequent name is found.

    Attributes:
        rows: Rows that have any name.
        is_all: Whether no name was dropped, so that the counts are exact.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.is_all = True
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        """Returns the number of kept names: all of them, or up to twice the capacity."""
        return len(self._counts)

    def add(self, row: Iterable[str]) -> None:
        """Adds the names of a row, without repetition."""
        names = list(dict.fromkeys(map(clipped, row)))
        self.rows += bool(names)
        for at in range(0, len(names), CAPACITY):
            self._counts.update(names[at : at + CAPACITY])
            self._cut()

    def merge(self, other: Self) -> None:
        """Adds the counts of another object."""
        self.rows += other.rows
        self.is_all &= other.is_all
        self._counts.update(other._counts)
        self._cut()

    def most_common(self, count: int) -> list[tuple[str, int]]:
        """Returns the most frequent names, each with a lower bound of its number of rows."""
        return self._counts.most_common(count)

    @property
    def text(self) -> str:
        """Returns the number of names, and the most frequent ones, in words."""
        shown = [f"{visible(name)} ({many(rows, 'row')})" for name, rows in self.most_common(SHOWN)]
        if not self.is_all:
            return ", most often ".join([f"more than {2 * CAPACITY} names", *shown[:1]])
        others = len(self) - len(shown)
        return ", ".join(shown) + (f" and {others} others" if others else "")

    def _cut(self) -> None:
        if len(self._counts) <= 2 * CAPACITY:
            return
        ranked = self._counts.most_common(CAPACITY + 1)
        least = ranked.pop()[1]
        self._counts = Counter({name: count - least for name, count in ranked if count > least})
        self.is_all = False


def clipped(name: str) -> str:
    """Returns the beginning of a long name."""
    return shorten(name, LONGEST + 1, "…")
