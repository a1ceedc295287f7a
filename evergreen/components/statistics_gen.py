"""The StatisticsGen node: TFX's own, but without Beam if one process does the work anyway."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

# isort: off
import tfx  # noqa: F401 - puts a stand-in where TFDV 1.16 misses a module of tfx-bsl 1.21
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_data_validation.statistics.generators.basic_stats_generator import (
    BasicStatsGenerator,
)
from tensorflow_data_validation.statistics.generators.top_k_uniques_sketch_stats_generator import (
    TopKUniquesSketchStatsGenerator,
)

# isort: on
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx.components.statistics_gen import component, executor
from tfx.components.util import tfxio_utils
from tfx.dsl.components.base import executor_spec
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import json_utils
from tfx_bsl.tfxio.dataset_options import RecordBatchesOptions

from evergreen.beam_options import on_this_machine
from evergreen.quality.statistics import STEPS

ROWS_A_BATCH = 10_000
DISTINCT_VALUES = 1 << 17
"""The most distinct values of a feature for which top values and counts are exact, as with Beam.
Beyond, a sketch estimates the number of values to 0.3 %, and misses only top values that fewer than
one row in as many has: otherwise every one of unique keys would be kept and sorted."""
REFINEMENTS = (
    specs.STATS_OPTIONS_JSON_KEY,
    specs.SAMPLE_RATE_BY_SPLIT_KEY,
    specs.EXCLUDE_SPLITS_KEY,
    specs.SHARDED_STATS_OUTPUT_KEY,
)
OPTIONS = {
    specs.STATS_OPTIONS_JSON_KEY: stats_options.StatsOptions(
        num_quantiles_histogram_buckets=STEPS
    ).to_json()
}
"""What Beam is asked for, if nothing else is."""


class Executor(executor.Executor):
    """Computes with the generators that TFDV runs on Beam, one record batch after another.

    Building and running Beam's graph takes 7 s for any data; the figures of 5,000 rows take 0.5 s.
    Beam is used if it has workers elsewhere, or if more than the examples is needed.
    """

    BY_COLUMNS = True

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `Split-<name>/FeatureStats.pb`, and TFX's properties of the statistics."""
        if not on_this_machine(self._beam_pipeline_args) or _is_refined(
            input_dict, exec_properties
        ):
            given = {name: value for name, value in exec_properties.items() if value is not None}
            super().Do(input_dict, output_dict, {**OPTIONS, **given})
            return
        examples = artifact_utils.get_single_instance(input_dict[specs.EXAMPLES_KEY])
        statistics = artifact_utils.get_single_instance(output_dict[specs.STATISTICS_KEY])
        splits = artifact_utils.decode_split_names(examples.split_names)
        statistics.split_names = examples.split_names
        statistics.span = examples.span
        statistics.set_string_custom_property(executor.STATS_DASHBOARD_LINK, "")
        rates = json_utils.dumps(dict.fromkeys(splits, 1.0))
        statistics.set_json_value_custom_property(
            executor.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, rates
        )
        for split in splits:
            folder = Path(artifact_utils.get_split_uri([statistics], split))
            folder.mkdir(parents=True, exist_ok=True)
            figures = compute(_batches(examples, split)).SerializeToString()
            (folder / executor.DEFAULT_FILE_NAME).write_bytes(figures)


class StatisticsGen(component.StatisticsGen):
    """StatisticsGen that does not need Beam for little data."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def compute(batches: Iterable[pa.RecordBatch]) -> DatasetFeatureStatisticsList:
    """Returns the statistics of record batches, as `tfdv.GenerateStatistics` with `OPTIONS`."""
    defaults = stats_options.StatsOptions()
    top_values = TopKUniquesSketchStatsGenerator(
        num_top_values=defaults.num_top_values,
        num_rank_histogram_buckets=defaults.num_rank_histogram_buckets,
        num_misragries_buckets=DISTINCT_VALUES,
        num_kmv_buckets=DISTINCT_VALUES,
    )
    basic = BasicStatsGenerator(
        num_values_histogram_buckets=defaults.num_values_histogram_buckets,
        num_histogram_buckets=defaults.num_histogram_buckets,
        num_quantiles_histogram_buckets=STEPS,
        epsilon=defaults.epsilon,
    )
    generators = [basic, top_values]
    found = [generator.create_accumulator() for generator in generators]
    for batch in batches:
        found = [
            generator.add_input(so_far, batch)
            for generator, so_far in zip(generators, found, strict=True)
        ]
    return stats_impl.extract_statistics_output(found, generators)


def _batches(examples: Artifact, split: str) -> Iterable[pa.RecordBatch]:
    source = tfxio_utils.get_split_tfxio([examples], split, ["StatisticsGen"])
    return source.RecordBatches(RecordBatchesOptions(ROWS_A_BATCH, num_epochs=1, shuffle=False))


def _is_refined(inputs: dict[str, list[Artifact]], properties: dict[str, Any]) -> bool:
    given = [properties.get(key) for key in REFINEMENTS]
    return bool(inputs.get(specs.SCHEMA_KEY)) or any(
        json_utils.loads(item) if isinstance(item, str) else item for item in given
    )
