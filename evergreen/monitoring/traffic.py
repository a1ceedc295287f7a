"""One pass over the predictions of a window: statistics, scores, and what fits no schema."""

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
    """What was seen of a window.

    Attributes:
        rows: Predictions.
        unreadable: Besides, rows whose features are no JSON object, or too long.
        violations: Values of another type, unknown features.
        scores: How many have a score in each bin, shape [BINS].
        statistics: A `DatasetFeatureStatisticsList`; None without rows.
    """

    rows: int = 0
    unreadable: int = 0
    violations: Violations = field(default_factory=Violations)
    scores: Counts = field(default_factory=lambda: np.zeros(BINS, np.int64))
    statistics: Any = None


def observe(batches: Iterable[Read], output: str, look: Look | None = None) -> Traffic:
    """Adds up all batches.

    Args:
        batches: Of the log, with the columns `COLUMNS`, and their features.
        output: The output with the score.
        look: Is shown each batch too, with its features and scores.
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
