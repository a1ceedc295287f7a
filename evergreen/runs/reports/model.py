"""The model gate's report on a candidate."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, RootModel, computed_field, model_validator

from evergreen.runs import sentences
from evergreen.runs.metric_names import ByMetric
from evergreen.runs.nodes import MODEL_GATE
from evergreen.runs.reports.report import Part, Report
from evergreen.settings.task import Task

ALL_ROWS = "all rows"
"""The slice that leaves nothing out."""


class Verdict(Part):
    """The verdict on one criterion: a bound on a metric, or a comparison with the baseline.

    Attributes:
        metric: The measured metric.
        slice: The rows: `all rows`, or feature and value.
        at_least: The lower bound, if it is one.
        at_most: The upper bound, if it is one.
        margin: The tolerated loss against the baseline, in a comparison.
        passed: Whether it holds; True if it does not decide.
        decides: Whether there were enough rows for it to decide.
        value: The candidate's metric; None if it is missing or not finite.
        baseline: The baseline's metric, in a comparison.
        improvement: How much better the candidate is, in a comparison.
        interval: Confidence interval of the improvement.
        rows: Rows compared.
        positives: The rows with label 1 among them, of a binary model.
        undefined: Why there is no value; the criterion then fails.
    """

    metric: str
    slice: str = ALL_ROWS
    at_least: float | None = None
    at_most: float | None = None
    margin: float | None = None
    passed: bool
    decides: bool = True
    value: float | None
    baseline: float | None = None
    improvement: float | None = None
    interval: tuple[float, float] | None = None
    rows: int | None = None
    positives: int | None = None
    undefined: str = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def criterion(self) -> str:
        """The criterion in words; written so that version 0.1.0 can read the report."""
        return sentences.criterion(self)

    @property
    def is_of_part(self) -> bool:
        """Whether it is on a part of the rows."""
        return self.slice != ALL_ROWS

    @property
    def compares(self) -> bool:
        """Whether it compares with the baseline."""
        return self.margin is not None

    @model_validator(mode="before")
    @classmethod
    def _read_0_1_0(cls, values: Any) -> Any:
        """Parses the criterion of a report by version 0.1.0, which stored it in words only."""
        if not isinstance(values, dict) or "metric" in values:
            return values
        asked, comparison, margin = str(values.get("criterion")).rpartition(sentences.NOT_WORSE)
        if comparison:
            metric, _, part = asked.partition(" on ")
            return values | {"metric": metric, "slice": part, "margin": margin}
        metric, _, bound, limit = margin.rsplit(" ", 3)
        return values | {"metric": metric, f"at_{bound}": limit}


class Estimate(Part):
    """A metric, and the interval that contains the true value in 95 % of samples."""

    value: float
    low: float
    high: float


class Metrics(RootModel[Mapping[str, Estimate | None]]):
    """Metrics of one model on the rows of a slice, by name: the main ones of its task."""

    @property
    def known(self) -> dict[str, Estimate]:
        """Those that could be measured; `auc` only if both classes occur."""
        return {name: found for name, found in self.root.items() if found is not None}


class Slice(Part):
    """A slice of the test rows, with the models' metrics.

    Attributes:
        name: `all rows`, or feature and value.
        rows: Its rows.
        positives: Its rows with label 1, of a binary model.
        decides: Whether it has enough rows for the gate to decide on it.
        candidate: The candidate's metrics.
        baseline: The baseline's metrics, if there is one.
    """

    name: str
    rows: int
    positives: int | None = None
    decides: bool
    candidate: Metrics
    baseline: Metrics | None


class Bin(Part):
    """Rows with similar predictions.

    Attributes:
        predicted: Their mean prediction.
        observed: The mean label; of a class, the share of its rows.
        low: Lower end of its 95 % interval: Wilson's of a share, Student's of a mean.
        high: Upper end.
        rows: The number of rows.
    """

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


class Joint(Part):
    """A histogram of labels and predictions in the same bins.

    Attributes:
        edges: Of the bins, rising; values beyond the ends count in the outer bins.
        counts: Rows by bin of the label, and by bin of the prediction.
    """

    edges: list[float]
    counts: list[list[int]]


class Histogram(Part):
    """A histogram of values; those beyond the ends count in the outer bins.

    Attributes:
        edges: Of the bins, rising.
        counts: The rows of each bin.
    """

    edges: list[float]
    counts: list[int]


class Curves(Part):
    """What charts show of one model.

    Attributes:
        roc: Binary: false and true positive rates, from (0, 0) to (1, 1); empty without both
            classes.
        calibration: Binary and regression: bins with equal numbers of rows, by rising prediction.
        reliability: Multiclass: the same for the probability of each class, by its name; of the
            most frequent classes.
        confusion: Multiclass: rows by class, and by predicted class; without empty cells.
        joint: Regression: labels and predictions.
        residuals: Regression: predictions less labels.
    """

    roc: tuple[tuple[float, float], ...] = ()
    calibration: tuple[Bin, ...] = ()
    reliability: Mapping[str, tuple[Bin, ...]] = {}
    confusion: Mapping[str, Mapping[str, int]] = {}
    joint: Joint | None = None
    residuals: Histogram | None = None


class Scores(Part):
    """The cells that are not empty of a histogram, such as of scores by label.

    Attributes:
        cells: Their places in the flattened histogram.
        counts: The rows in each.
    """

    cells: list[int]
    counts: list[int]


class ModelReport(Report):
    """Whether a candidate may be pushed.

    Attributes:
        baseline_version: The serving version; None if there is none.
        candidate: The candidate's metrics on all rows, by name; None is a number that there is not.
        baseline: The baseline's metrics; None without a baseline.
        undefined: Why metrics have no value, by name; reports of version 0.1.0 do not say.
        unlabelled: Rows left out since they have no label.
        verdicts: One for each criterion and part; the candidate is blessed if all hold.
        slices: All rows, and each part of them that the criteria name.
        curves: Of `candidate` and `baseline`; None for a model that answers no numbers.
        scores: The probabilities of a candidate, for monitors: of label 1 by label, or of the
            predicted class by whether it is right. None if it has none, or answers no numbers.
        task: The model's task.
        classes: The names of its classes, in the order of its answer.
    """

    node: ClassVar[str] = MODEL_GATE

    baseline_version: int | None = None
    candidate: ByMetric[float | None]
    baseline: ByMetric[float | None] | None = None
    undefined: ByMetric[str] = Field(default_factory=dict)
    unlabelled: int = 0
    verdicts: tuple[Verdict, ...]
    slices: tuple[Slice, ...] = ()
    curves: Mapping[str, Curves | None] = {}
    scores: Scores | None = None
    task: Task = Task.BINARY
    classes: tuple[str, ...] = ()

    @property
    def models(self) -> dict[str, Mapping[str, float | None]]:
        """The metrics by model, `candidate` and `baseline`, of the models that there are."""
        found = {"candidate": self.candidate, "baseline": self.baseline}
        return {model: metrics for model, metrics in found.items() if metrics}

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The verdicts that the candidate is refused for."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)
