"""Targets of the comparison."""

from benchmarks.markdown import Spread
from benchmarks.pipeline.result import Process, Result
from benchmarks.targets import Target


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
    Target[Result](
        "same nodes: whole process, of stock's",
        0.6,
        lambda result: result.ratio("same", "stock", wall),
    ),
    Target[Result](
        "same nodes: peak memory, of stock's",
        1.0,
        lambda result: result.ratio("same", "stock", peak),
    ),
    Target[Result](
        "with all gates and the report: whole process, of the same nodes alone",
        1.25,
        lambda result: result.ratio("full", "same", wall),
    ),
    Target[Result](
        "wholly cached: work of all nodes",
        3.0,
        lambda result: Spread.of(measured["full again"].work for measured in result.rounds),
        unit=" s",
        digits=1,
    ),
)
