"""Criteria for candidates."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evergreen.settings.slicing import Slicing

__all__ = ["Bound", "Criteria", "NotWorse", "PairedMetric", "Slicing"]

PairedMetric = Literal["auc", "log_loss"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bound(_Frozen):
    """An absolute threshold: a metric of Evaluator must be from `at_least` to `at_most`."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"the bound on {self.metric} has neither at_least nor at_most")
        return self


class NotWorse(_Frozen):
    """The candidate must not be worse than the baseline by more than a margin.

    The candidate is refused if the whole confidence interval of the paired difference is beyond the
    margin: a difference that may be chance does not decide.

    Attributes:
        metric: `auc` or `log_loss`, computed from both models' predictions on the same rows.
        margin: The tolerated difference, in units of the metric.
        by: Slicings to apply it to; without any it applies to all rows together.
    """

    metric: PairedMetric
    margin: float = Field(ge=0)
    by: tuple[Slicing, ...] = ()

    @model_validator(mode="after")
    def _slices_have_log_loss(self) -> Self:
        if self.by and self.metric == "auc":
            raise ValueError("slices are compared by log_loss: AUC says little on few rows")
        return self


class Criteria(_Frozen):
    """All criteria for a candidate. Without absolute thresholds no gate is built.

    Attributes:
        bounds: Absolute thresholds.
        not_worse: Comparisons with the serving model.
        confidence: The level of all comparisons together (Bonferroni): an equal model is refused by
            chance in at most `1 - confidence` of the runs.
        min_rows: Slices with fewer rows are reported but do not decide.
        min_class_rows: Nor do slices with fewer rows of either class.
        resamples: Bootstrap resamples.
        seed: The seed of the resampling.
    """

    bounds: tuple[Bound, ...] = Field(min_length=1)
    not_worse: tuple[NotWorse, ...] = ()
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    min_rows: int = Field(default=100, ge=2)
    min_class_rows: int = Field(default=10, ge=1)
    resamples: int = Field(default=1000, ge=100)
    seed: int = 0
