"""Reads a window's predictions once for statistics, scores and violations of the schema."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# isort: off
import tfx  # noqa: F401 - puts a stand-in where TFDV 1.16 misses a module of tfx-bsl 1.21
import tensorflow_data_validation as tfdv

# isort: on
import numpy as np
import pyarrow as pa
from tensorflow_data_validation.statistics import stats_impl

from evergreen.components.example_gen.writer import to_lists
from evergreen.evaluation.metrics import BINS, Counts, bins
from evergreen.monitoring.columns import Features, Floats, scores
from evergreen.monitoring.validity import Violations

QUANTILES = 200
"""Quantiles of a number: the resolution of its distribution."""
COLUMNS = ("request_id", "row", "time", "features", "outputs")
Read = tuple[pa.RecordBatch, Features]
Look = Callable[[pa.RecordBatch, Features, Floats], None]


class Statistics:
    """Accumulates batches by TFDV's own generators, as its Beam pipeline does.

    Frequent values and unique counts are sketched, since exact counters grow with the values.
    """

    def __init__(self) -> None:
        options = tfdv.StatsOptions(
            num_quantiles_histogram_buckets=QUANTILES,
            experimental_use_sketch_based_topk_uniques=True,
        )
        self._generators = stats_impl.get_generators(options, in_memory=True)
        self._sums = [generator.create_accumulator() for generator in self._generators]

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Adds rows: columns of float32, int64 or binary by feature, null where missing."""
        batch = to_lists(columns)
        self._sums = [
            generator.add_input(total, batch)
            for generator, total in zip(self._generators, self._sums, strict=True)
        ]

    def result(self) -> Any:
        """Returns the `DatasetFeatureStatisticsList`, with one data set."""
        return stats_impl.extract_statistics_output(self._sums, self._generators)


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
