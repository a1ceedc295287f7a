"""Measurements of the comparison in the form in which they are stored."""

from collections.abc import Callable

from benchmarks.markdown import Spread
from benchmarks.measure import Measured
from benchmarks.result import Measurement, Stored


class Node(Stored):
    """An execution of a node: its state in ML Metadata, and its seconds there."""

    node: str
    state: str
    seconds: float


class Process(Stored):
    """One variant, run once.

    Attributes:
        measured: Time and memory of the whole process.
        nodes: Its nodes, in the order of starting.
        before: From the start of the process to the first node, in seconds.
        after: From the end of the last node to the end of the process, in seconds.
        report: What writing the HTML report took of that; None if there is none.
    """

    measured: Measured
    nodes: tuple[Node, ...]
    before: float
    after: float
    report: float | None = None

    def seconds(self, *names: str) -> float | None:
        """Seconds of some nodes together; None if none of them ran."""
        found = [node.seconds for node in self.nodes if node.node in names]
        return sum(found) if found else None

    @property
    def work(self) -> float:
        """Seconds of all nodes together."""
        return sum(node.seconds for node in self.nodes)


class Result(Measurement):
    """All rounds.

    Attributes:
        train_rows: Rows that ours trains on.
        steps: Steps of training, of each variant.
        rounds: By variant: `stock`, `same`, `full`, and `stock again` and `full again`.
    """

    train_rows: int
    steps: int
    rounds: tuple[dict[str, Process], ...]

    def spread(self, variant: str, figure: Callable[[Process], float | None]) -> Spread | None:
        """A figure of a variant over all rounds; None if a round has none."""
        values = [figure(measured[variant]) for measured in self.rounds]
        return None if None in values else Spread.of(value for value in values if value is not None)

    def ratio(self, over: str, under: str, figure: Callable[[Process], float]) -> Spread:
        """A figure of one variant over that of another, round by round."""
        return Spread.of(
            figure(measured[over]) / figure(measured[under]) for measured in self.rounds
        )
