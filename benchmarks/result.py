"""Results of benchmarks, stored as JSON."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine


class Stored(BaseModel):
    """Base of what is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Measurement(Stored):
    """Where and when something was measured.

    Attributes:
        machine: Where.
        started: When it began.
    """

    machine: Machine
    started: datetime
