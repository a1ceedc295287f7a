"""Evaluator's configuration: the metrics of both models, overall and by slice."""

from collections.abc import Iterable

from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from evergreen.settings.task import Task

METRICS = {
    Task.BINARY: """
metrics { class_name: "ExampleCount" }
metrics { class_name: "AUC" config: '"name": "auc", "num_thresholds": 1000' }
metrics { class_name: "BinaryCrossentropy" config: '"name": "log_loss"' }
metrics { class_name: "Calibration" }
""",
    Task.MULTICLASS: """
metrics { class_name: "ExampleCount" }
metrics { class_name: "SparseCategoricalCrossentropy" config: '"name": "log_loss"' }
metrics { class_name: "SparseCategoricalAccuracy" config: '"name": "accuracy"' }
metrics { class_name: "SparseTopKCategoricalAccuracy" config: '"name": "top_2_accuracy", "k": 2' }
""",
    Task.REGRESSION: """
metrics { class_name: "ExampleCount" }
metrics { class_name: "MeanAbsoluteError" config: '"name": "mae"' }
metrics { class_name: "RootMeanSquaredError" config: '"name": "rmse"' }
""",
}
"""Metrics of TFMA, by the names of `evergreen/settings/metrics.py`."""


def eval_config(
    label: str, slices: Iterable[str], has_baseline: bool, task: Task = Task.BINARY
) -> config_pb2.EvalConfig:
    """Returns the configuration of an evaluation.

    Args:
        label: The output of the model's `transform_features` with the label.
        slices: Raw features; the rows with each of their values are measured, too.
        has_baseline: Whether a baseline is measured beside the candidate.
        task: The models' task.
    """
    config = config_pb2.EvalConfig()
    for name in ("candidate", "baseline") if has_baseline else ("candidate",):
        config.model_specs.add(
            name=name,
            is_baseline=name == "baseline",
            signature_name="serving_default",
            preprocessing_function_names=["transform_features"],
            label_key=label,
        )
    text_format.Merge(METRICS[task], config.metrics_specs.add())
    config.slicing_specs.add()
    for feature in slices:
        config.slicing_specs.add(feature_keys=[feature])
    return config
