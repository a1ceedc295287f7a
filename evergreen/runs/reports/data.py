"""The data gate's report on a span."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import computed_field, model_validator

from evergreen.quality.mismatch import Mismatch
from evergreen.runs import sentences
from evergreen.runs.nodes import DATA_GATE
from evergreen.runs.reports.report import Part, Report

Against = Literal["previous", "window"]
DRIFT, ROWS_REFUSED, SPLIT_EMPTY = "DRIFT", "ROWS_REFUSED", "SPLIT_EMPTY"
MISSING_IN_WORDS = "MISSING_IN_WORDS"


class Drift(Part):
    """The distance of a feature's distribution from that of spans before.

    Attributes:
        feature: The feature.
        against: The span before (`previous`), or the earlier spans of the window together.
        value: The distance.
        threshold: The schema's limit for it.
        exceeded: Whether it is surely beyond the limit: whether all of the interval is.
        interval: The confidence interval of the distance; None in a report of version 0.1.0, whose
            numbers were compared in ten buckets of equal width.
        measure: TFDV's name of the distance; empty for one of live traffic.
    """

    feature: str
    against: Against
    value: float
    threshold: float
    exceeded: bool
    interval: tuple[float, float] | None = None
    measure: str = ""

    @property
    def share(self) -> float:
        """The distance as a share of its threshold; 0 without a threshold."""
        return self._of_threshold(self.value)

    @property
    def rank(self) -> tuple[float, float]:
        """The share that it surely reaches, beyond 1 if it is beyond its threshold; its share."""
        return self.reach[0], self.share

    @property
    def reach(self) -> tuple[float, float]:
        """The interval of the share; without an interval, the share."""
        low, high = self.interval or (self.value, self.value)
        return self._of_threshold(low), self._of_threshold(high)

    def _of_threshold(self, value: float) -> float:
        return value / self.threshold if self.threshold else 0.0


class Change(Part):
    """What changed most in a feature that drifted.

    Attributes:
        value: The value whose share of the feature's values changed; None for the mean of numbers.
        before: The share or mean before.
        now: The share or mean in the span.
    """

    value: str | None = None
    before: float
    now: float


class Finding(Part):
    """A fact that a person should know about a span.

    Attributes:
        feature: The feature; empty where the whole data set is meant.
        kind: TFDV's name of the anomaly, or `ROWS_REFUSED`, `SPLIT_EMPTY`,
            `MISSING_IN_WORDS`, `DRIFT`.
        count: The rows concerned.
        rows: All rows that were looked at.
        values: A few of the values concerned.
        refuses: Whether the span is refused for it.
        examples: Up to three of the rows concerned, as text by column; of a refused value its
            file, the row in it, and the value.
        splits: The splits that have it, unless all do.
        mismatch: What the schema expects and what was found, of an anomaly of values.
        said: What TFDV says of an anomaly with no `mismatch`; the whole description in a report of
            version 0.1.0.
        reason: Why ingestion refused the values.
        drift: The distance beyond its threshold.
        change: What changed most with it.
    """

    feature: str
    kind: str
    count: int = 0
    rows: int = 0
    values: tuple[str, ...] = ()
    refuses: bool = True
    examples: tuple[dict[str, str], ...] = ()
    splits: tuple[str, ...] = ()
    mismatch: Mismatch | None = None
    said: str = ""
    reason: str = ""
    drift: Drift | None = None
    change: Change | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def description(self) -> str:
        """What was expected and found, in words; written so that version 0.1.0 can read it."""
        return sentences.description(self)

    @property
    def counted(self) -> str:
        """The rows concerned, of how many and of which; empty if it is not about rows."""
        return sentences.counted(self) if self.rows else ""

    @model_validator(mode="before")
    @classmethod
    def _read_0_1_0(cls, values: Any) -> Any:
        """Takes over the description of a report by version 0.1.0, which has nothing else."""
        if isinstance(values, dict) and "description" in values and "said" not in values:
            return values | {"said": values["description"]}
        return values

    @property
    def is_drift(self) -> bool:
        """Whether it is a distance beyond its threshold."""
        return self.kind == DRIFT


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
