"""Writes an evaluation in TFMA's format, for all readers of evaluations."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import tensorflow as tf
from google.protobuf import json_format
from tensorflow_model_analysis import version
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.writers.metrics_plots_and_validations_writer import (
    convert_slice_metrics_to_proto,
)

from evergreen.components.evaluator.slices import SliceKey
from evergreen.evaluation.tfma_metrics import Figures

METRICS, CONFIG = "metrics-00000-of-00001.tfrecord", "eval_config.json"


def write(
    folder: Path,
    config: config_pb2.EvalConfig,
    models: Mapping[str, str],
    slices: Iterable[tuple[SliceKey, Figures]],
) -> None:
    """Writes metrics and configuration; TFMA reads them without the files of plots.

    Args:
        folder: The folder of the evaluation.
        config: The requested evaluation.
        models: The folders of the models, by name.
        slices: The metrics of each slice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / METRICS)) as file:
        for metrics in slices:
            file.write(convert_slice_metrics_to_proto(metrics, None).SerializeToString())
    run = config_pb2.EvalRun(
        eval_config=config,
        version=version.VERSION,
        data_location="<user provided PCollection>",  # TFMA's text
        file_format="<unknown>",
        model_locations=models,
    )
    (folder / CONFIG).write_text(json_format.MessageToJson(run))
