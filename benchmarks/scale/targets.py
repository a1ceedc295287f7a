"""What the comparisons are to reach."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.markdown import Spread
from benchmarks.scale.result import Result, Run
from benchmarks.scale.terms import GZIP, HUGE, LARGE, LIMIT, MEDIUM, ONE_CORE, OURS, SMALL, STOCK

Figure = Callable[[Run], float | None]


@dataclass(frozen=True)
class Target:
    """A limit, and how the figure that is held to it is found.

    Attributes:
        text: What is measured.
        limit: What the median may be.
        figure: Finds it; None if it was not measured.
        least: Whether the limit is the least, and not the most.
        unit: Of the limit, if it is no ratio.
    """

    text: str
    limit: float
    figure: Callable[[Result], Spread | None]
    least: bool = False
    unit: str = ""

    def reached(self, found: Spread) -> bool:
        """Whether a figure is on the right side of the limit."""
        return found.median >= self.limit if self.least else found.median <= self.limit


def wall(run: Run) -> float:
    """Seconds of the whole process."""
    return run.measured.wall


def cpu(run: Run) -> float:
    """Processor seconds of the whole process."""
    return run.measured.cpu


def peak(run: Run) -> float:
    """Peak memory of the whole process, in MiB."""
    return run.measured.peak


def before(run: Run) -> float | None:
    """Memory when the work of the one node starts, in MiB."""
    return run.work[0].before if run.work else None


def seconds(node: str) -> Figure:
    """Seconds of a node."""
    return lambda run: (work := run.of(node)) and work.seconds


def _ingestion(over: str, under: str) -> Callable[[Result], Spread | None]:
    """How many times the seconds of one way are those of another."""
    return lambda result: result.ratio(
        ("ingestion", over, LARGE), ("ingestion", under, LARGE), seconds("ExampleGen")
    )


TARGETS = (
    Target(
        "15,000 rows, the same nodes: whole process, of stock's",
        0.60,
        lambda result: result.ratio(("pipeline", OURS, SMALL), ("pipeline", STOCK, SMALL), wall),
    ),
    Target(
        "1,500,000 rows, the same nodes: whole process, of stock's",
        0.35,
        lambda result: result.ratio(("pipeline", OURS, LARGE), ("pipeline", STOCK, LARGE), wall),
    ),
    Target(
        "ten times the rows, 150,000 to 1,500,000: whole process of ours, times",
        10,
        lambda result: result.ratio(("pipeline", OURS, LARGE), ("pipeline", OURS, MEDIUM), wall),
    ),
    Target(
        "1,500,000 rows, the same nodes: peak memory of ours",
        4096,
        lambda result: result.spread("pipeline", OURS, LARGE, peak),
        unit=" MiB",
    ),
    Target(
        "1,500,000 rows, in these pipelines: ExampleGen's rows a second, of stock's",
        15,
        lambda result: result.ratio(
            ("pipeline", STOCK, LARGE), ("pipeline", OURS, LARGE), seconds("ExampleGen")
        ),
        least=True,
    ),
    Target(
        "the same, ours alone, gzipped as stock does, after stock's pipeline",
        15,
        lambda result: result.ratio(
            ("pipeline", STOCK, LARGE), ("ingestion", OURS + GZIP, LARGE), seconds("ExampleGen")
        ),
        least=True,
    ),
    Target(
        "1,500,000 rows, on one core: seconds of ingestion, of the straight line's",
        1.3,
        _ingestion(OURS + ONE_CORE, LIMIT + ONE_CORE),
    ),
    Target(
        "1,500,000 rows, on two cores: seconds of ingestion, of the straight line's",
        1,
        _ingestion(OURS, LIMIT),
    ),
    Target(
        "ingestion of 15,000,000 rows: peak memory",
        1024,
        lambda result: result.spread("ingestion", OURS, HUGE, peak),
        unit=" MiB",
    ),
    Target(
        "the same, of that at 1,500,000 rows",
        1.2,
        lambda result: result.ratio(("ingestion", OURS, HUGE), ("ingestion", OURS, LARGE), peak),
    ),
)
