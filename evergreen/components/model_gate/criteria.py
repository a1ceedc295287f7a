"""What a candidate is held to, and the verdict on it."""

import math
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bound(_Frozen):
    """An absolute threshold: the metric must not be below `at_least` nor above `at_most`."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"the bound on {self.metric} has neither at_least nor at_most")
        return self


class NotWorse(_Frozen):
    """The candidate's metric may be worse than the baseline's by the margin at most."""

    metric: str
    margin: float = Field(ge=0)
    higher_is_better: bool


class Criteria(_Frozen):
    """All that a candidate is held to. Without absolute thresholds no gate is built."""

    bounds: tuple[Bound, ...] = Field(min_length=1)
    not_worse: tuple[NotWorse, ...] = ()


class Verdict(_Frozen):
    """The verdict on one criterion.

    Attributes:
        criterion: What was asked, in words.
        passed: Whether it holds.
        value: The candidate's metric; None if it is missing or not finite.
        limit: What the value was compared with.
    """

    criterion: str
    passed: bool
    value: float | None
    limit: float


Metrics = Mapping[str, float]


def judge(criteria: Criteria, candidate: Metrics, baseline: Metrics | None) -> list[Verdict]:
    """Judges a candidate by every criterion; those of comparison only if there is a baseline.

    A metric that is missing or not a number does not pass.

    Args:
        criteria: What to hold it to.
        candidate: The candidate's metrics, by name.
        baseline: The metrics of the serving model on the same rows.
    """
    verdicts = [
        _verdict(f"{bound.metric} {word} {limit:g}", candidate.get(bound.metric), limit, sign)
        for bound in criteria.bounds
        for word, limit, sign in (("at least", bound.at_least, 1), ("at most", bound.at_most, -1))
        if limit is not None
    ]
    for rule in criteria.not_worse if baseline is not None else ():
        sign = 1 if rule.higher_is_better else -1
        reference = (baseline or {}).get(rule.metric, math.nan)
        words = f"{rule.metric} not worse than the baseline's {reference:.4f} by {rule.margin:g}"
        limit = reference - sign * rule.margin
        verdicts.append(_verdict(words, candidate.get(rule.metric), limit, sign))
    return verdicts


def _verdict(criterion: str, value: float | None, limit: float, sign: int) -> Verdict:
    known = value is not None and math.isfinite(value)
    passed = known and sign * (value or 0.0) >= sign * limit
    return Verdict(
        criterion=criterion,
        passed=passed,
        value=value if known else None,
        limit=limit if math.isfinite(limit) else 0.0,
    )
