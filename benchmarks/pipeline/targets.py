"""What the comparison is to reach."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.markdown import Spread
from benchmarks.pipeline.result import Process, Result


@dataclass(frozen=True)
class Target:
    """A limit, and how the figure that must not be above it is found.

    Attributes:
        text: What is measured.
        limit: The most that the median may be.
        figure: Finds it.
        unit: Of the limit, if it is no ratio.
    """

    text: str
    limit: float
    figure: Callable[[Result], Spread]
    unit: str = ""


def wall(process: Process) -> float:
    """Seconds of the whole process."""
    return process.measured.wall


def cpu(process: Process) -> float:
    """Processor seconds of the whole process."""
    return process.measured.cpu


def peak(process: Process) -> float:
    """Peak memory of the whole process, in MiB."""
    return process.measured.peak


def work(process: Process) -> float:
    """Seconds of all nodes together."""
    return process.work


TARGETS = (
    Target(
        "same nodes: whole process, of stock's", 0.6, lambda all_: all_.ratio("same", "stock", wall)
    ),
    Target(
        "same nodes: peak memory, of stock's", 1.0, lambda all_: all_.ratio("same", "stock", peak)
    ),
    Target(
        "with all gates and the report: whole process, of the same nodes alone",
        1.25,
        lambda all_: all_.ratio("full", "same", wall),
    ),
    Target(
        "wholly cached: work of all nodes",
        3.0,
        lambda all_: Spread.of(one["full again"].work for one in all_.rounds),
        " s",
    ),
)
