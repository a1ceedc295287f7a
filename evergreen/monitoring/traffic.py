"""Reads a window's predictions once for statistics, answers and violations of the schema."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from evergreen.monitoring.answered import Answered, answered
from evergreen.monitoring.columns import Features, Floats
from evergreen.monitoring.form import Form
from evergreen.monitoring.statistics import Statistics
from evergreen.monitoring.validity import Violations

COLUMNS = ("request_id", "row", "time", "features", "outputs")
Read = tuple[pa.RecordBatch, Features]
Look = Callable[[pa.RecordBatch, Features, Floats], None]


@dataclass
class Traffic:
    """The observations of a window.

    Attributes:
        answers: What was answered.
        rows: The number of predictions.
        unreadable: The number of further rows whose features are not JSON objects, or too long.
        violations: Values of another type, and unknown features.
        statistics: A `DatasetFeatureStatisticsList`; None without rows.
    """

    answers: Answered
    rows: int = 0
    unreadable: int = 0
    violations: Violations = field(default_factory=Violations)
    statistics: Any = None


def observe(batches: Iterable[Read], form: Form, look: Look | None = None) -> Traffic:
    """Accumulates all batches.

    Args:
        batches: Batches of the log, with the columns `COLUMNS`, and their features.
        form: The form of the answers.
        look: Also receives each batch, with its features and answers.
    """
    seen, statistics = Traffic(answered(form)), Statistics()
    for batch, read in batches:
        answers = form.read(batch["outputs"])
        seen.rows += len(batch)
        seen.unreadable += read.unreadable
        seen.answers.add(answers)
        seen.violations.add(read.mistyped, read.unknown)
        statistics.add(read.columns)
        if look:
            look(batch, read, answers)
    seen.statistics = statistics.result() if seen.rows else None
    return seen
