"""Compares what policies came to, on the same rows."""

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
    """What one policy came to.

    Attributes:
        policy: Which.
        log_loss: Over the whole stream.
        interval: Of that.
        worse: How much worse than the reference, on the same rows.
        worse_interval: Of that.
        trainings: Runs that trained, the first model left out.
        pushed: Of these, how many gave a version.
        minutes: What they took.
    """

    policy: Policy
    log_loss: float
    interval: Interval
    worse: float
    worse_interval: Interval
    trainings: int
    pushed: int
    minutes: float


def compare(played: Mapping[Policy, Sequence[Played]]) -> list[Row]:
    """Returns a row for each policy.

    Intervals are of the mean over rows, by the normal approximation; of differences, of the mean of
    the paired differences.
    """
    losses = {
        policy: np.concatenate([one.losses for one in spans]) for policy, spans in played.items()
    }
    compared = losses[reference(played)]
    return [
        Row(
            policy,
            *_mean(losses[policy]),
            *_mean(losses[policy] - compared),
            trainings=sum(len(one.runs) for one in spans),
            pushed=sum(run.outcome == "pushed" for one in spans for run in one.runs),
            minutes=sum(one.seconds for one in spans) / 60,
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
