"""Accumulates batches of columns into TFDV's statistics."""

from collections.abc import Mapping
from typing import Any

# isort: off
import tfx  # noqa: F401 - puts a stand-in where TFDV 1.16 misses a module of tfx-bsl 1.21
import tensorflow_data_validation as tfdv

# isort: on
import pyarrow as pa
from tensorflow_data_validation.statistics import stats_impl

from evergreen.components.example_gen.writer import to_lists

QUANTILES = 200
"""Quantiles of a number: the resolution of its distribution."""


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
