"""Compares the results of policies on the same rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from evergreen.replay.player import Played
from evergreen.replay.policies import Policy

CONFIDENCE = 0.95
Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """The result of one policy.

    Attributes:
        policy: The policy.
        loss: The mean over the whole stream.
        interval: The interval of the loss.
        worse: How much worse than the reference, on the same rows.
        worse_interval: The interval of the difference.
        trainings: Runs that trained, without the first model.
        pushed: How many of them made a version.
        minutes: Their total duration.
    """

    policy: Policy
    loss: float
    interval: Interval
    worse: float
    worse_interval: Interval
    trainings: int
    pushed: int
    minutes: float


def compare(played: Mapping[Policy, Sequence[Played]]) -> list[Row]:
    """Returns a row for each policy.

    Intervals are for the mean over rows, by the normal approximation; for differences, for the mean
    of the paired differences.
    """
    losses = {
        policy: np.concatenate([span.losses for span in spans]) for policy, spans in played.items()
    }
    compared = losses[reference(played)]
    return [
        Row(
            policy,
            *_mean(losses[policy]),
            *_mean(losses[policy] - compared),
            trainings=sum(len(span.runs) for span in spans),
            pushed=sum(run.outcome == "pushed" for span in spans for run in span.runs),
            minutes=sum(span.seconds for span in spans) / 60,
        )
        for policy, spans in played.items()
    ]


def reference(played: Mapping[Policy, object]) -> Policy:
    """Returns the policy that the others are compared with: always, or the first."""
    return Policy.ALWAYS if Policy.ALWAYS in played else next(iter(played))


def _mean(values: np.ndarray) -> tuple[float, Interval]:
    mean = float(values.mean())
    error = float(norm.ppf((1 + CONFIDENCE) / 2) * values.std(ddof=1)) / math.sqrt(len(values))
    return mean, (mean - error, mean + error)
