"""TFX's own CSV ingestion."""

from collections.abc import Mapping
from pathlib import Path

import apache_beam as beam
from tfx.components.example_gen.csv_example_gen import executor
from tfx.types import standard_component_specs

from tests.unit.components.rows import Row, read_rows


def stock_rows(files: Mapping[str, Path], folder: Path) -> dict[str, list[Row]]:
    """What CsvExampleGen makes of CSV files, each on its own, in the order of their rows.

    One Beam graph for all, since it is the graph that takes time.
    """
    to_examples = executor.Executor().GetInputSourceToExamplePTransform()
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        for number, (name, file) in enumerate(files.items()):
            properties = {standard_component_specs.INPUT_BASE_KEY: str(file.parent)}
            _ = (
                pipeline
                | f"read {name}" >> to_examples(properties, file.name)
                | f"bytes {name}" >> beam.Map(lambda example: example.SerializeToString())
                | f"write {name}"
                >> beam.io.WriteToTFRecord(str(folder / f"{number}-"), num_shards=1)
            )
    return {name: read_rows(*folder.glob(f"{number}-*")) for number, name in enumerate(files)}
