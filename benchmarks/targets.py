"""Targets of benchmarks, and the table of their verdicts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from benchmarks.markdown import Spread, table

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Target(Generic[ResultT]):
    """A limit, and how the figure that is held to it is found.

    Attributes:
        text: What is measured.
        limit: What the median may be.
        figure: Finds it in a result; None if it was not measured.
        at_least: Whether the limit is the least, and not the most.
        unit: Of the limit, if it is no ratio.
        digits: Decimals of the figure.
    """

    text: str
    limit: float
    figure: Callable[[ResultT], Spread | None]
    at_least: bool = False
    unit: str = ""
    digits: int = 2

    def cells(self, found: Spread) -> list[str]:
        """The row of the table, of a figure that was found."""
        wanted = f"{'at least' if self.at_least else 'at most'} {self.limit:,g}{self.unit}"
        reached = found.median >= self.limit if self.at_least else found.median <= self.limit
        return [self.text, wanted, f"{found.text(self.digits)}{self.unit}", verdict(reached)]


def target_table(targets: Iterable[Target[ResultT]], result: ResultT) -> str:
    """Returns a table of the targets whose figures were measured."""
    rows = [target.cells(found) for target in targets if (found := target.figure(result))]
    if not rows:
        return "No figure here has a target.\n"
    return table(["", "wanted", "measured", ""], rows)


def verdict(reached: bool) -> str:
    """Returns the word for a target that is reached, or is not."""
    return "reached" if reached else "**missed**"
