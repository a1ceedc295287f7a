"""How good the answers were, once labels are there: log loss and AUC, with intervals."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from evergreen.components.model_gate.bootstrap import log_losses
from evergreen.monitoring.findings import Finding, Kind
from evergreen.settings.monitoring import MonitoringSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Answers with their labels.

    Attributes:
        labels: 0 or 1, [n].
        scores: Probabilities, [n].
        slices: `feature=value` of each slice, and where it is: bool [n].
    """

    labels: Floats
    scores: Floats
    slices: Mapping[str, NDArray[np.bool_]]


def judge(
    scored: Scored, evaluated: Mapping[str, float | None], settings: MonitoringSettings
) -> Iterator[Finding]:
    """Compares with what the model reached when it was evaluated.

    A finding fires if its whole interval is beyond the limit. Slices are told, and held to nothing.

    Args:
        scored: Answers with labels.
        evaluated: `log_loss` and `auc` of the evaluation, as far as known.
        settings: Limits, and the confidence of the intervals.
    """
    limits = settings.performance
    loss, area = evaluated.get("log_loss"), evaluated.get("auc")
    most = _limit(loss, limits.log_loss_increase)
    least = _limit(area, -limits.auc_decrease if limits.auc_decrease else None)
    yield from _measure(scored.labels, scored.scores, "", most, least, settings)
    for name, where in scored.slices.items():
        if where.sum() >= settings.min_rows:
            part = scored.labels[where], scored.scores[where]
            yield from _measure(*part, name, None, None, settings)


def log_loss(
    labels: Floats, scores: Floats, confidence: float
) -> tuple[float, tuple[float, float]]:
    """Returns the mean log loss, and its interval by the normal approximation."""
    losses = log_losses(labels, scores)
    error = _z(confidence) * float(losses.std(ddof=1)) / math.sqrt(len(losses))
    value = float(losses.mean())
    return value, (value - error, value + error)


def auc(labels: Floats, scores: Floats, confidence: float) -> tuple[float, tuple[float, float]]:
    """Returns the area under the ROC curve, ties counted half, and its interval.

    By DeLong's variance, from midranks (Sun and Xu, IEEE Signal Processing Letters 21, 2014).
    """
    positive = labels > 0
    ones, zeros = scores[positive], scores[~positive]
    m, n = len(ones), len(zeros)
    ranks = rankdata(scores)
    value = float((ranks[positive].sum() - m * (m + 1) / 2) / (m * n))
    above = (ranks[positive] - rankdata(ones)) / n
    below = 1 - (ranks[~positive] - rankdata(zeros)) / m
    variance = above.var(ddof=1) / m + below.var(ddof=1) / n
    error = _z(confidence) * math.sqrt(variance)
    return value, (value - error, value + error)


def _measure(
    labels: Floats,
    scores: Floats,
    name: str,
    most: float | None,
    least: float | None,
    settings: MonitoringSettings,
) -> Iterator[Finding]:
    value, interval = log_loss(labels, scores, settings.confidence)
    fired = most is not None and interval[0] > most
    yield _finding("log_loss", value, interval, most, fired, name, len(labels))
    if 1 < labels.sum() < len(labels) - 1:  # a variance needs two of each
        value, interval = auc(labels, scores, settings.confidence)
        fired = least is not None and interval[1] < least
        yield _finding("auc", value, interval, least, fired, name, len(labels))
        ratio = float(scores.mean() / labels.mean())
        yield _finding("calibration", ratio, None, None, False, name, len(labels))


def _limit(evaluated: float | None, change: float | None) -> float | None:
    return None if evaluated is None or change is None else evaluated + change


def _z(confidence: float) -> float:
    return float(norm.ppf((1 + confidence) / 2))


def _finding(
    metric: str,
    value: float,
    interval: tuple[float, float] | None,
    threshold: float | None,
    fired: bool,
    name: str,
    rows: int,
) -> Finding:
    return Finding(
        kind=Kind.PERFORMANCE,
        name=metric,
        value=value,
        threshold=threshold,
        fired=fired,
        interval=interval,
        slice=name,
        rows=rows,
    )
