"""Analyzes few rows by a `preprocessing_fn`, in this process, as TFX's Transform does."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx_bsl.public import tfxio

BEAM: Any = tft_beam  # these have no types
METADATA: Any = metadata_io
OPTIONS = ["--runner=FnApiRunner", "--beam_plugin=tfx"]


def transform(
    preprocessing_fn: Callable[[dict[str, Any]], dict[str, Any]],
    schema: schema_pb2.Schema,
    folder: Path,
) -> list[str]:
    """Writes the transform graph of the examples in `Split-train` into `transform`.

    Args:
        preprocessing_fn: The function.
        schema: The schema of the examples.
        folder: The folder with the examples.

    Returns:
        The names of the function's outputs.
    """
    target = folder / "transform"
    source = tfxio.TFExampleRecord(f"{folder}/Split-train/*", schema=schema)
    with (
        beam.Pipeline(options=PipelineOptions(OPTIONS)) as pipeline,
        BEAM.Context(str(folder / "temporary")),
    ):
        rows = pipeline | source.BeamSource()
        graph = (rows, source.TensorAdapterConfig()) | BEAM.AnalyzeDataset(preprocessing_fn)
        _ = graph | BEAM.WriteTransformFn(str(target))
    raw = target / tft.TFTransformOutput.RAW_METADATA_DIR
    shutil.rmtree(raw, ignore_errors=True)
    METADATA.write_metadata(dataset_metadata.DatasetMetadata(schema), str(raw))
    return list(tft.TFTransformOutput(str(target)).transformed_feature_spec())
