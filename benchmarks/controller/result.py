"""What was measured, as it is stored."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine


class Round(BaseModel):
    """One controller, started anew, and one run without it.

    Attributes:
        decided: From the landing of a span to the decision in the log, in seconds.
        started: From the landing of a span to the first node of the run, in seconds.
        cold: From the start of `evergreen run` to its first node, in seconds.
        idle: Processor time of the controller while nothing happens, of the time that passes.
        memory: Of the controller and what it keeps ready, in MiB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decided: float
    started: float
    cold: float
    idle: float
    memory: float


class Result(BaseModel):
    """All rounds.

    Attributes:
        started: When it began.
        machine: Where.
        rounds: One after the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    started: datetime
    machine: Machine
    rounds: tuple[Round, ...]
