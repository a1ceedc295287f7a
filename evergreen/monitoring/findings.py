"""Findings of monitoring a window of traffic: the contract between monitors and triggers."""

from datetime import datetime
from enum import StrEnum

from evergreen.runs.plan import Frozen


class Kind(StrEnum):
    """The subject of a finding."""

    DRIFT = "drift"  # live traffic compared with the previous window
    SKEW = "skew"  # live traffic compared with the training data
    PREDICTIONS = "prediction drift"  # predictions compared with those at evaluation
    PERFORMANCE = "performance"  # predictions compared with late labels
    STALENESS = "staleness"  # the age of the model's newest data
    SCHEMA = "schema"  # live traffic compared with the schema
    TRAFFIC = "traffic"  # whether there is enough traffic, and enough labels


class Window(Frozen):
    """A period, from `start` to before `end`."""

    start: datetime
    end: datetime


class Finding(Frozen):
    """A measured value and its threshold.

    Attributes:
        kind: The subject.
        name: The feature, the output or the metric.
        value: The measured value.
        threshold: Its limit.
        fired: Whether it is beyond the threshold with confidence, noise considered.
        interval: Confidence interval of the value, if it has one.
        slice: `feature=value` of a slice of the traffic; empty for all of it.
        rows: The number of measured rows.
        detail: A text for people.
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
    """The result of monitoring one model version in one window.

    Attributes:
        model: The model's name.
        version: The version that served.
        window: The monitored period.
        created: When it was monitored, by the caller's clock.
        rows: Logged predictions in the window.
        labelled: The number of them with labels.
        findings: All findings, fired or not.
        notes: What could not be monitored, and why.
        unjudged: Performance rules that could not be judged, so that they do not hold.
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
        """The findings beyond their thresholds."""
        return tuple(finding for finding in self.findings if finding.fired)
