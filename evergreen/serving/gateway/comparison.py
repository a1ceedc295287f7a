"""Compares a canary with the stable version: is it worse than allowed, with confidence?"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evergreen.evaluation import bounds
from evergreen.serving.gateway.prediction_log.reader import PLACE
from evergreen.settings.gateway import LimitSettings

MAX_OUTPUTS = 64
"""The most numbers of an answer to evaluate, each separately."""
QUANTILE = 0.95
CRITERIA = 3


class NewestAnswers:
    """The newest answers of a version.

    Attributes:
        count: All answers since the start, including those that left the window.
        failed: Which answers in the window failed.
        seconds: The latencies of the others.
        read: The number of answers with evaluated outputs, which happens some time later.
        outputs: Values by the name of the output number, one per answer, since rows of one request
            are not independent.
    """

    def __init__(self, size: int) -> None:
        self.count = self.read = 0
        self.failed: deque[bool] = deque(maxlen=size)
        self.seconds: deque[float] = deque(maxlen=size)
        self.outputs: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=size))

    def add(self, ok: bool, seconds: float) -> None:
        """Adds an answer."""
        self.count += 1
        self.failed.append(not ok)
        if ok:
            self.seconds.append(seconds)

    def add_outputs(self, values: Mapping[str, float]) -> None:
        """Adds the numbers of an answer, which may have none."""
        self.read += 1
        for name, value in values.items():
            if name in self.outputs or len(self.outputs) < MAX_OUTPUTS:
                self.outputs[name].append(value)

    @property
    def errors(self) -> tuple[int, int]:
        """Returns the number of failures, and of answers."""
        return sum(self.failed), len(self.failed)


@dataclass(frozen=True)
class CanaryDifference:
    """The result for one criterion.

    Attributes:
        criterion: Its name.
        value: How much worse the canary was.
        least: The lower confidence bound of that.
        limit: How much worse it may be.
        detail: The figures of both versions.
    """

    criterion: str
    value: float
    least: float
    limit: float
    detail: str

    @property
    def exceeds(self) -> bool:
        """Whether the canary is worse than allowed, with confidence."""
        return self.least > self.limit

    @property
    def holds(self) -> bool:
        """Whether the canary is within the limit, as measured."""
        return self.value <= self.limit

    def __str__(self) -> str:
        return f"{self.value:.4g} (at least {self.least:.4g}), limit {self.limit:g}: {self.detail}"


Compare = Callable[[NewestAnswers, NewestAnswers, float, float], CanaryDifference | None]


def judge(
    stable: NewestAnswers, canary: NewestAnswers, limits: LimitSettings, chance: float
) -> list[CanaryDifference]:
    """Compares two versions by each criterion that has a limit, and a large enough sample.

    Args:
        stable: The stable version's answers.
        canary: The canary's answers.
        limits: The limits.
        chance: The chance that any difference exceeds its limit although the canary does not.
    """
    level, least = chance / CRITERIA, limits.min_sample
    comparisons: list[tuple[Compare, float | None]] = [
        (partial(_errors, least), limits.error_increase),
        (partial(_latency, least), limits.latency_ratio),
        (partial(_outputs, least), limits.output_divergence),
    ]
    found = (
        compare(stable, canary, limit, level) for compare, limit in comparisons if limit is not None
    )
    return [difference for difference in found if difference is not None]


def _errors(
    least: int, stable: NewestAnswers, canary: NewestAnswers, limit: float, level: float
) -> CanaryDifference | None:
    before, after = stable.errors, canary.errors
    if min(before[1], after[1]) < least:
        return None
    return CanaryDifference(
        "error rate",
        after[0] / after[1] - before[0] / before[1],
        bounds.least_increase(before, after, level),
        limit,
        f"canary {after[0]} of {after[1]}, stable {before[0]} of {before[1]}",
    )


def _latency(
    least: int, stable: NewestAnswers, canary: NewestAnswers, limit: float, level: float
) -> CanaryDifference | None:
    if min(len(stable.seconds), len(canary.seconds)) < least:
        return None
    before, after = (
        float(np.quantile(window.seconds, QUANTILE, method="inverted_cdf"))
        for window in (stable, canary)
    )
    return CanaryDifference(
        "latency p95",
        after / before,
        bounds.least_ratio(stable.seconds, canary.seconds, QUANTILE, level),
        limit,
        f"canary {after * 1000:.3g} ms in {len(canary.seconds)}, "
        f"stable {before * 1000:.3g} ms in {len(stable.seconds)}",
    )


def _outputs(
    least: int, stable: NewestAnswers, canary: NewestAnswers, limit: float, level: float
) -> CanaryDifference | None:
    """Returns the output that differs with most confidence."""
    names = [
        name
        for name, values in canary.outputs.items()
        if min(len(values), len(stable.outputs.get(name, ()))) >= least
    ]
    found = _divergences(names, stable, canary, limit, level / max(len(names), 1))
    return max(found, key=lambda difference: (difference.least, difference.value), default=None)


def _divergences(
    names: list[str], stable: NewestAnswers, canary: NewestAnswers, limit: float, level: float
) -> Iterator[CanaryDifference]:
    for name in names:
        before, after = stable.outputs[name], canary.outputs[name]
        is_category = name.endswith(PLACE)
        value, surely = bounds.divergence(before, after, level, is_category)
        detail = (_shares if is_category else _means)(before, after)
        yield CanaryDifference("output distribution", value, surely, limit, f"{name}: {detail}")


def _means(before: Sequence[float], after: Sequence[float]) -> str:
    return (
        f"canary mean {np.mean(after):.4g} in {len(after)}, "
        f"stable mean {np.mean(before):.4g} in {len(before)}"
    )


def _shares(before: Sequence[float], after: Sequence[float]) -> str:
    """Returns the shares of the category that differs most."""
    old, new = (Counter(values) for values in (before, after))
    most = max(old | new, key=lambda kind: abs(new[kind] / len(after) - old[kind] / len(before)))
    return f"canary {most:g} in {new[most]} of {len(after)}, stable in {old[most]} of {len(before)}"
