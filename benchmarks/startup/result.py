"""Measurements in the form in which they are stored."""

from benchmarks.markdown import Spread
from benchmarks.measure import Measured
from benchmarks.result import Measurement
from benchmarks.startup.entry_points import STOCK


class Result(Measurement):
    """All rounds.

    Attributes:
        rounds: One after the other; each has the processes of all entry points by name.
    """

    rounds: tuple[dict[str, Measured], ...]

    def ratio(self, name: str) -> Spread:
        """The seconds of an entry point, of those of stock in the same round."""
        return Spread.of(measured[name].wall / measured[STOCK].wall for measured in self.rounds)
