"""What was measured, as it is stored."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine
from benchmarks.markdown import Spread
from benchmarks.measure import Measured
from benchmarks.startup.entry_points import STOCK


class Result(BaseModel):
    """All rounds.

    Attributes:
        started: When it began.
        machine: Where.
        rounds: One after the other; each has the processes of all entry points by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    started: datetime
    machine: Machine
    rounds: tuple[dict[str, Measured], ...]

    def ratio(self, name: str) -> Spread:
        """The seconds of an entry point, of those of stock in the same round."""
        return Spread.of(one[name].wall / one[STOCK].wall for one in self.rounds)
