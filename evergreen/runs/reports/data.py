"""The data gate's report on a span."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from evergreen.runs.nodes import DATA_GATE
from evergreen.runs.reports.report import Part, Report

Against = Literal["previous", "window"]
DRIFT = "DRIFT"


class Finding(Part):
    """A fact that a person should know about a span.

    Attributes:
        feature: The feature; empty where the whole data set is meant.
        kind: TFDV's name of the anomaly, or `ROWS_REFUSED`, `SPLIT_EMPTY`,
            `MISSING_IN_WORDS`, `DRIFT`.
        description: The expected and the found values in words; for people only.
        count: The rows concerned.
        rows: All rows that were looked at.
        values: A few of the values concerned.
        refuses: Whether the span is refused for it.
        examples: Up to three of the rows concerned, as text by column.
    """

    feature: str
    kind: str
    description: str
    count: int = 0
    rows: int = 0
    values: tuple[str, ...] = ()
    refuses: bool = True
    examples: tuple[dict[str, str], ...] = ()

    @property
    def is_drift(self) -> bool:
        """Whether it is a distance beyond its threshold."""
        return self.kind == DRIFT


class Drift(Part):
    """The distance of a feature's distribution from that of spans before.

    Attributes:
        feature: The feature.
        against: The span before (`previous`), or the earlier spans of the window together.
        value: The distance.
        threshold: The schema's limit for it.
        exceeded: Whether it is beyond the limit.
        measure: TFDV's name of the distance; empty for one of live traffic.
    """

    feature: str
    against: Against
    value: float
    threshold: float
    exceeded: bool
    measure: str = ""

    @property
    def share(self) -> float:
        """The distance as a share of its threshold; 0 without a threshold."""
        return self.value / self.threshold if self.threshold else 0.0


class DataReport(Report):
    """Whether a span may be trained on.

    Attributes:
        span: Its number.
        version: The version of its content.
        rows: Rows by split, without those refused.
        refused_rows: Rows that ingestion refused.
        findings: All of them; the span is blessed if none refuses it.
        drift: The distances from spans before; they refuse nothing.
    """

    node: ClassVar[str] = DATA_GATE

    span: int
    version: int = 1
    rows: Mapping[str, int]
    refused_rows: int
    findings: tuple[Finding, ...]
    drift: tuple[Drift, ...]

    @property
    def kept_rows(self) -> int:
        """Rows of all splits."""
        return sum(self.rows.values())

    @property
    def all_rows(self) -> int:
        """Rows of the span, those refused among them."""
        return self.kept_rows + self.refused_rows

    @property
    def refusing(self) -> tuple[Finding, ...]:
        """The findings that the span is refused for."""
        return tuple(finding for finding in self.findings if finding.refuses)

    @property
    def drifted(self) -> tuple[str, ...]:
        """The features with a distance beyond its threshold."""
        return tuple(dict.fromkeys(drift.feature for drift in self.drift if drift.exceeded))
