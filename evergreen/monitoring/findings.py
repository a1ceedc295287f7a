"""What monitoring a window of traffic found: the contract between monitors and triggers."""

from datetime import datetime
from enum import StrEnum

from evergreen.runs.plan import Frozen


class Kind(StrEnum):
    """What was looked at."""

    DRIFT = "drift"  # live traffic against the window before it
    SKEW = "skew"  # live traffic against what the model was trained on
    PREDICTIONS = "prediction drift"  # what the model says against what it said when evaluated
    PERFORMANCE = "performance"  # what the model says against labels that came late
    STALENESS = "staleness"  # the age of the model's newest data
    SCHEMA = "schema"  # live traffic against the schema
    TRAFFIC = "traffic"  # whether there is enough of it, and enough labels


class Window(Frozen):
    """The time that was looked at: from `start`, before `end`."""

    start: datetime
    end: datetime


class Finding(Frozen):
    """One measure against its threshold.

    Attributes:
        kind: What was looked at.
        name: The feature, the output or the metric.
        value: What was measured.
        threshold: What it is held to.
        fired: Whether it is surely beyond the threshold, noise considered.
        interval: Confidence interval of the value, if it has one.
        slice: `feature=value` of a part of the traffic; empty for all of it.
        rows: How many rows it was measured on.
        detail: In words, for people.
    """

    kind: Kind
    name: str
    value: float
    threshold: float
    fired: bool
    interval: tuple[float, float] | None = None
    slice: str = ""
    rows: int = 0
    detail: str = ""


class MonitoringResult(Frozen):
    """One look at one model version.

    Attributes:
        model: The model's name.
        version: Of the model that served.
        window: The time that was looked at.
        created: When it was looked, by the clock that the caller gives.
        rows: Logged predictions in the window.
        labelled: Of these, how many have labels.
        findings: All of them, fired or not.
        notes: What could not be looked at, and why.
        unjudged: Rules of performance that could not be judged, so that they do not hold.
    """

    model: str
    version: int
    window: Window
    created: datetime
    rows: int
    labelled: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def fired(self) -> tuple[Finding, ...]:
        """What is beyond its threshold."""
        return tuple(finding for finding in self.findings if finding.fired)
