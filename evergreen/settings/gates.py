"""The settings of the gates: what a candidate and a served model must meet to be pushed.

They are settings of a use case and not code, so that they may differ by environment, are refused
with file and key, and change no digest of code: a changed threshold reruns gates only.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evergreen.settings.base import Section
from evergreen.settings.metrics import metric
from evergreen.settings.slicing import Slicing
from evergreen.settings.task import Task

MAX_RECORDS = 1000  # TensorFlow Serving refuses models with more warm-up records

Positive = Annotated[float, Field(gt=0)]


class _Finite(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bound(_Finite):
    """An absolute threshold: a metric must be from `at_least` to `at_most`."""

    metric: str = Field(description="A metric of the model's task: docs/gates.md lists them.")
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"the bound on {self.metric} has neither at_least nor at_most")
        return self


class NotWorse(_Finite):
    """The candidate must not be worse than the baseline by more than a margin.

    The candidate is refused if the whole confidence interval of the paired difference is beyond the
    margin: a difference that may be chance does not decide.
    """

    metric: str = Field(
        description="A metric of the model's task that is computed from both models' answers to "
        "the same rows: docs/gates.md lists them."
    )
    margin: float = Field(ge=0, description="The tolerated difference, in units of the metric.")
    by: tuple[Slicing, ...] = Field(
        (), description="Slicings to apply it to; without any it applies to all rows together."
    )


class Criteria(_Finite):
    """All criteria for a candidate. Without absolute thresholds no gate is built."""

    bounds: tuple[Bound, ...] = Field(min_length=1, description="Absolute thresholds.")
    not_worse: tuple[NotWorse, ...] = Field((), description="Comparisons with the serving model.")
    confidence: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="The level of all comparisons together (Bonferroni): an equal model is refused "
        "by chance in at most `1 - confidence` of the runs.",
    )
    min_rows: int = Field(
        100,
        ge=2,
        description="Slices with fewer rows are compared together; with fewer rows even so, they "
        "are reported but do not decide.",
    )
    min_class_rows: int = Field(
        10, ge=1, description="Nor do slices with fewer rows of either class, or of two classes."
    )
    resamples: int = Field(1000, ge=100, description="Resamples of the bootstrap.")
    seed: int = Field(0, description="The seed of the resampling.")

    def faults(self, task: Task, classes: Sequence[str] = ()) -> Iterator[tuple[str, str, str]]:
        """Yields place, name and reason of each metric that does not fit the model.

        Args:
            task: The model's task.
            classes: The names of its classes.
        """
        for at, bound in enumerate(self.bounds):
            if why := _misfit(bound.metric, task, classes):
                yield f"bounds.{at}.metric", bound.metric, why
        for at, rule in enumerate(self.not_worse):
            if why := _misfit(rule.metric, task, classes, compared=True, by_slice=bool(rule.by)):
                yield f"not_worse.{at}.metric", rule.metric, why


def _misfit(
    name: str,
    task: Task,
    classes: Sequence[str],
    compared: bool = False,
    by_slice: bool = False,
) -> str:
    """Returns why a metric does not fit; empty if it does."""
    try:
        found = metric(name, task, classes)
    except ValueError as error:
        return str(error)
    if compared and not found.paired:
        return "models are not compared by it; name it among the bounds"
    if by_slice and not found.by_slice:
        return f"slices are compared by losses of rows: {name} says little on few rows"
    return ""


class ServingCriteria(_Finite):
    """All criteria for a served model.

    The budgets are generous: they stop a model of another kind than before, and not one that is a
    little slower on a busy machine. A network of 64 and 32 units takes 2 ms and 720 MB.
    """

    signatures: tuple[str, ...] = Field(
        ("serving_default", "raw"),
        min_length=1,
        description="The signatures that clients use; the others are compared with the first.",
    )
    rows: int = Field(64, ge=1, description="The number of rows of the test split in requests.")
    batch_sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 8, 64),
        description="The numbers of rows per request; 1 first, for measuring latency.",
    )
    tolerance: float = Field(
        1e-5,
        ge=0,
        description="The greatest difference of two answers to the same request: absolute up to 1, "
        "relative above. Kernels add float32 numbers in another order for another batch size.",
    )
    p95_ms: Positive = Field(
        100.0, description="Budget for 95 % of the requests with one row, in milliseconds."
    )
    memory_mb: Positive = Field(
        2048.0, description="Budget for the peak resident memory of the model server, in MiB."
    )
    load_seconds: Positive = Field(
        120.0,
        description="Time to load the model and to warm it up. The start of the server, with its "
        "import of TensorFlow, does not count.",
    )
    answer_seconds: Positive = Field(30.0, description="Time for any single answer.")
    may_break: int | None = Field(
        None,
        ge=1,
        description="The serving version whose clients may break, because they are prepared. It "
        "names the version, so that it lapses with the next one.",
    )

    @model_validator(mode="after")
    def _can_be_recorded(self) -> Self:
        if self.batch_sizes[:1] != (1,):
            raise ValueError("batch_sizes begins with 1: latency is measured with one row")
        requests = sum(math.ceil(self.rows / size) for size in self.batch_sizes)
        records = requests * len(self.signatures)
        if records > MAX_RECORDS:
            raise ValueError(
                f"{records} requests are more than the {MAX_RECORDS} that TensorFlow Serving "
                "takes for warm-up: name fewer rows or batch_sizes"
            )
        return self


class GateSettings(Section):
    """What a model must meet to be pushed, and the slices that are reported: docs/gates.md."""

    model: Criteria
    serving: ServingCriteria = ServingCriteria()
    slices: tuple[str, ...] = Field(
        (), description="Raw features whose values Evaluator reports on, besides all rows."
    )
