"""Measurements in the form in which they are stored."""

from benchmarks.result import Measurement, Stored


class Round(Stored):
    """One controller, started anew, and one run without it.

    Attributes:
        decided: From the landing of a span to the decision in the log, in seconds.
        started: From the landing of a span to the first node of the run, in seconds.
        cold: From the start of `evergreen run` to its first node, in seconds.
        idle: Processor time of the controller while nothing happens, of the time that passes.
        memory: Of the controller and what it keeps ready, in MiB.
    """

    decided: float
    started: float
    cold: float
    idle: float
    memory: float


class Result(Measurement):
    """All rounds.

    Attributes:
        rounds: One after the other.
    """

    rounds: tuple[Round, ...]
