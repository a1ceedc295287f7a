"""Measurements in the form in which they are stored."""

from collections.abc import Callable

from benchmarks.markdown import Spread
from benchmarks.result import Measurement, Stored


class Run(Stored):
    """One process.

    Attributes:
        rows: Predictions in the window.
        seconds: From the files to the figures, without the imports.
        wall: Of the whole process, in seconds.
        peak: Most resident memory, in MiB.
    """

    rows: int
    seconds: float
    wall: float
    peak: float

    @property
    def speed(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


class Result(Measurement):
    """All runs.

    Attributes:
        rounds: Runs by variant, each round.
        packages: Of the rivals.
    """

    rounds: tuple[dict[str, Run], ...]
    packages: dict[str, str]

    def spread(self, variant: str, figure: Callable[[Run], float]) -> Spread:
        """A figure of a variant over all rounds."""
        return Spread.of(figure(measured[variant]) for measured in self.rounds)

    def ratio(self, above: str, below: str, figure: Callable[[Run], float]) -> Spread:
        """A figure of a variant divided by that of another, round by round."""
        return Spread.of(
            figure(measured[above]) / figure(measured[below]) for measured in self.rounds
        )
