"""Reads a window's predictions once for statistics, scores and violations of the schema."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from evergreen.evaluation.scores import BINS, Counts, bins
from evergreen.monitoring.columns import Features, Floats, scores
from evergreen.monitoring.statistics import Statistics
from evergreen.monitoring.validity import Violations

COLUMNS = ("request_id", "row", "time", "features", "outputs")
Read = tuple[pa.RecordBatch, Features]
Look = Callable[[pa.RecordBatch, Features, Floats], None]


@dataclass
class Traffic:
    """The observations of a window.

    Attributes:
        rows: The number of predictions.
        unreadable: The number of further rows whose features are not JSON objects, or too long.
        violations: Values of another type, and unknown features.
        scores: The number of scores in each bin, shape [BINS].
        statistics: A `DatasetFeatureStatisticsList`; None without rows.
    """

    rows: int = 0
    unreadable: int = 0
    violations: Violations = field(default_factory=Violations)
    scores: Counts = field(default_factory=lambda: np.zeros(BINS, np.int64))
    statistics: Any = None


def observe(batches: Iterable[Read], output: str, look: Look | None = None) -> Traffic:
    """Accumulates all batches.

    Args:
        batches: Batches of the log, with the columns `COLUMNS`, and their features.
        output: The output with the score.
        look: Also receives each batch, with its features and scores.
    """
    seen, statistics = Traffic(), Statistics()
    for batch, read in batches:
        answers = scores(batch["outputs"], output)
        seen.rows += len(batch)
        seen.unreadable += read.unreadable
        seen.scores += np.bincount(bins(answers[np.isfinite(answers)]), minlength=BINS)
        seen.violations.add(read.mistyped, read.unknown)
        statistics.add(read.columns)
        if look:
            look(batch, read, answers)
    seen.statistics = statistics.result() if seen.rows else None
    return seen
