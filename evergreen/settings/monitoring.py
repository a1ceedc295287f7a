"""The settings of monitoring: limits for live traffic, and alerts."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from evergreen.settings.base import ProjectPath, Section
from evergreen.settings.metrics import metric
from evergreen.settings.slicing import Slicing
from evergreen.settings.task import Task

Share = Annotated[float, Field(ge=0, le=1)]
Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
TFMA = "tfma."
TFMA_METRIC = re.compile(r"tfma\.[A-Z][A-Za-z0-9]*")


class DistanceSettings(Section):
    """Limits for the change of distributions: `evergreen monitor calibrate` finds these numbers."""

    categories: Share = Field(0.1, description="L-infinity: the largest change of a share.")
    numbers: Share = Field(0.1, description="Jensen-Shannon divergence, in bits.")
    features: dict[str, Share] = Field(
        {}, description="Limits of single features; 1 is never exceeded."
    )

    def limit(self, feature: str, is_text: bool) -> float:
        """Returns the limit of a feature."""
        return self.features.get(feature, self.categories if is_text else self.numbers)


class LabelSettings(Section):
    """The true labels of predictions: `request_id`, `row`, `label`.

    A label is 0 or 1, the name of a class (or its index), or a value, as the model's task has it.
    """

    folder: ProjectPath | None = Field(
        None, description="A folder of Parquet and CSV files, at any depth; null: no labels."
    )
    lookback_days: float = Field(
        0,
        ge=0,
        le=3650,
        description="How long before the window labelled predictions count: the labels' delay.",
    )
    min_rows: int = Field(
        200, ge=2, description="The fewest labelled rows to judge performance by."
    )
    min_coverage: Share = Field(0, description="The least share of predictions with labels.")


class MetricRule(Section):
    """A limit for a metric: relative to the model's evaluation, or absolute."""

    metric: str = Field(
        description="A metric of the model's task (docs/gates.md) or, for a binary one, `tfma.` "
        "and a class of tensorflow_model_analysis.metrics."
    )
    config: dict[str, float | bool | str | list[float]] = Field(
        {}, description="Arguments of a metric of TFMA, such as {thresholds: [0.3]}."
    )
    worse_by: Annotated[float, Field(ge=0)] | None = Field(
        None, description="How much worse it may be than at the model's evaluation."
    )
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _holds_to_something(self) -> Self:
        bounded = self.at_least is not None or self.at_most is not None
        if bounded == (self.worse_by is not None):
            raise ValueError(f"{self.metric} needs worse_by, or else at_least or at_most")
        if self.is_tfma and self.worse_by is not None:
            raise ValueError(f"{self.metric} is not in an evaluation: give at_least or at_most")
        if self.config and not self.is_tfma:
            raise ValueError(f"{self.metric} has no config")
        return self

    def better(self, task: Task, classes: Sequence[str] = ()) -> int:
        """Returns 1 if higher is better, -1 if lower is, 0 if a value in between is best.

        Raises:
            ValueError: If it is no metric of a model of that task, or cannot be worse.
        """
        if self.is_tfma:
            if task is not Task.BINARY or not TFMA_METRIC.fullmatch(self.metric):
                raise ValueError(f"{self.metric}: only of a binary model, and `tfma.` with a class")
            return 0
        found = metric(self.metric, task, classes).better
        if not found and self.worse_by is not None:
            raise ValueError(f"{self.metric} is best in between: give at_least and at_most")
        return found

    @property
    def is_tfma(self) -> bool:
        """Whether TensorFlow Model Analysis computes it."""
        return self.metric.startswith(TFMA)

    @property
    def title(self) -> str:
        """The metric with its arguments, as in findings."""
        arguments = ", ".join(f"{name}={value}" for name, value in self.config.items())
        return f"{self.metric}({arguments})" if arguments else self.metric


class PerformanceSettings(Section):
    """Limits for the performance on predictions with labels."""

    metrics: tuple[MetricRule, ...] | None = Field(
        None, description="Limits for metrics of the model's task; null: some of that task."
    )
    slices: tuple[Slicing, ...] = Field((), description="Slices of the traffic, by raw features.")
    resamples: int = Field(1000, ge=100, le=100_000, description="Resamples of the bootstrap.")

    def rules(self, task: Task) -> tuple[MetricRule, ...]:
        """Returns the limits for a model of a task."""
        return USUAL[task] if self.metrics is None else self.metrics


USUAL = {
    Task.BINARY: (
        MetricRule(metric="log_loss", worse_by=0.03),
        MetricRule(metric="auc", worse_by=0.02),
        MetricRule(metric="brier", worse_by=0.02),
        MetricRule(metric="calibration", at_least=0.7, at_most=1.4),
    ),
    Task.MULTICLASS: (
        MetricRule(metric="log_loss", worse_by=0.05),
        MetricRule(metric="accuracy", worse_by=0.03),
        MetricRule(metric="brier", worse_by=0.03),
    ),
    Task.REGRESSION: (MetricRule(metric="r2", worse_by=0.1),),  # the only one without a unit
}
"""The limits if the settings have none."""


class AlertSettings(Section):
    """Alerts for findings that fire."""

    webhook: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Receives a POST. A secret address belongs in the environment variable "
        "EVERGREEN_ALERT_WEBHOOK instead.",
    )
    body: Literal["cloudevents", "slack"] = Field(
        "cloudevents", description="The format of the POST."
    )
    attempts: int = Field(5, ge=1, description="The number of attempts.")
    timeout_seconds: float = Field(10, gt=0, description="The timeout of one attempt.")
    wait_seconds: float = Field(
        1, ge=0, description="The wait before the second attempt; doubles each time."
    )


class MonitoringSettings(Section):
    """Monitoring of the serving model's traffic and answers: docs/monitoring.md."""

    folder: ProjectPath = Field(description="Pages, statistics, metrics, undelivered alerts.")
    window_hours: float = Field(
        24, gt=0, le=87_600, description="The length of a window, unless one is given."
    )
    features: tuple[str, ...] | None = Field(
        None,
        description="The features in requests; null: the schema's, in the environment SERVING.",
    )
    output: str | None = Field(
        None,
        description="The output with the prediction: the probability of label 1, the probabilities "
        "of the classes, or the value; null: the only output.",
    )
    missing_integer: Int64 | None = Field(
        None, description="The whole number that clients send for a missing value."
    )
    missing_text: str | None = Field("", description="The same for text.")
    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="The level of all findings of a kind together (Bonferroni)."
    )
    min_rows: int = Field(200, ge=2, description="The fewest predictions to judge by.")
    drift: DistanceSettings = DistanceSettings()
    skew: DistanceSettings = DistanceSettings()
    predictions: Share = Field(
        0.1,
        description="Jensen-Shannon divergence, in bits, of what the model predicts: its scores, "
        "the classes and their probabilities, or the values.",
    )
    invalid: Share = Field(0.001, description="The greatest share of rows that violate the schema.")
    max_age_days: Annotated[float, Field(gt=0)] | None = Field(
        400, description="The greatest age of the model's newest training data; null: no limit."
    )
    labels: LabelSettings = LabelSettings()
    performance: PerformanceSettings = PerformanceSettings()
    alerts: AlertSettings = AlertSettings()
