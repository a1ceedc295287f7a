"""Targets of the comparisons."""

from collections.abc import Callable

from benchmarks.markdown import Spread
from benchmarks.scale.result import Result, Run
from benchmarks.scale.terms import GZIP, HUGE, LARGE, LIMIT, MEDIUM, ONE_CORE, OURS, SMALL, STOCK
from benchmarks.targets import Target

Figure = Callable[[Run], float | None]


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
    Target[Result](
        "15,000 rows, the same nodes: whole process, of stock's",
        0.60,
        lambda result: result.ratio(("pipeline", OURS, SMALL), ("pipeline", STOCK, SMALL), wall),
    ),
    Target[Result](
        "1,500,000 rows, the same nodes: whole process, of stock's",
        0.35,
        lambda result: result.ratio(("pipeline", OURS, LARGE), ("pipeline", STOCK, LARGE), wall),
    ),
    Target[Result](
        "ten times the rows, 150,000 to 1,500,000: whole process of ours, times",
        10,
        lambda result: result.ratio(("pipeline", OURS, LARGE), ("pipeline", OURS, MEDIUM), wall),
    ),
    Target[Result](
        "1,500,000 rows, the same nodes: peak memory of ours",
        4096,
        lambda result: result.spread("pipeline", OURS, LARGE, peak),
        unit=" MiB",
        digits=0,
    ),
    Target[Result](
        "1,500,000 rows, in these pipelines: ExampleGen's rows a second, of stock's",
        15,
        lambda result: result.ratio(
            ("pipeline", STOCK, LARGE), ("pipeline", OURS, LARGE), seconds("ExampleGen")
        ),
        at_least=True,
    ),
    Target[Result](
        "the same, ours alone, gzipped as stock does, after stock's pipeline",
        15,
        lambda result: result.ratio(
            ("pipeline", STOCK, LARGE), ("ingestion", OURS + GZIP, LARGE), seconds("ExampleGen")
        ),
        at_least=True,
    ),
    Target[Result](
        "1,500,000 rows, on one core: seconds of ingestion, of the straight line's",
        1.3,
        _ingestion(OURS + ONE_CORE, LIMIT + ONE_CORE),
    ),
    Target[Result](
        "1,500,000 rows, on two cores: seconds of ingestion, of the straight line's",
        1,
        _ingestion(OURS, LIMIT),
    ),
    Target[Result](
        "ingestion of 15,000,000 rows: peak memory",
        1024,
        lambda result: result.spread("ingestion", OURS, HUGE, peak),
        unit=" MiB",
        digits=0,
    ),
    Target[Result](
        "the same, of that at 1,500,000 rows",
        1.2,
        lambda result: result.ratio(("ingestion", OURS, HUGE), ("ingestion", OURS, LARGE), peak),
    ),
)
