"""Figures as text, for pages in Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """Several measurements of one thing: the median, the least and the most."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Of at least one value."""
        known = list(values)
        return cls(median(known), min(known), max(known))

    def text(self, digits: int) -> str:
        """Such as `90.1 (88.2 to 93.0)`, with a number of decimals."""
        low, middle, high = (f"{x:,.{digits}f}" for x in (self.low, self.median, self.high))
        return middle if low == high else f"{middle} ({low} to {high})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; all columns but the first are aligned to the right."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *rows))
