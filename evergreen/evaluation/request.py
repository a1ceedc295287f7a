"""Requests for evaluations that can be computed by columns."""

import json
from dataclasses import dataclass
from typing import Any, Self

from google.protobuf import wrappers_pb2  # noqa: F401 - TFMA 0.52 needs it, and does not import it
from tensorflow_model_analysis.proto import config_pb2

from evergreen.settings.task import Task

AUC, COUNT, CALIBRATION, MAE = "AUC", "ExampleCount", "Calibration", "MeanAbsoluteError"
KERAS = {
    "BinaryCrossentropy": Task.BINARY,
    "SparseCategoricalCrossentropy": Task.MULTICLASS,
    "SparseCategoricalAccuracy": Task.MULTICLASS,
    "SparseTopKCategoricalAccuracy": Task.MULTICLASS,
    "RootMeanSquaredError": Task.REGRESSION,
}
"""Metrics that TFMA takes from Keras."""
TASKS = {AUC: Task.BINARY, CALIBRATION: Task.BINARY, MAE: Task.REGRESSION, **KERAS}
SETTINGS: dict[str, set[str]] = {AUC: {"num_thresholds"}, "SparseTopKCategoricalAccuracy": {"k"}}
"""The settings of each metric, besides its name."""
SIGNATURES = ("serving_default", ["transform_features"])


@dataclass(frozen=True)
class Metric:
    """A metric: its class in TFMA, and its settings."""

    kind: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request for an evaluation.

    Attributes:
        metrics: The metrics to compute for each model and slice.
        features: The features to slice by, one at a time.
        overall: Whether all rows are a slice.
        label: The output of the model's `transform_features` with the label.
        task: The task that all metrics are of.
        candidate: The name of the first model.
        baseline: The name of the model it is compared with; None without one.
    """

    metrics: tuple[Metric, ...]
    features: tuple[str, ...]
    overall: bool
    label: str
    task: Task
    candidate: str
    baseline: str | None

    @classmethod
    def of(cls, config: config_pb2.EvalConfig) -> Self | None:
        """Parses TFMA's configuration with its defaults; None if it requests anything else."""
        models = sorted(config.model_specs, key=lambda spec: bool(spec.is_baseline))
        metrics = [_metric(metric) for spec in config.metrics_specs for metric in spec.metrics]
        plain = _nothing_else(config) and all(_plain_model(spec) for spec in models)
        tasks = {TASKS[metric.kind] for metric in metrics if metric and metric.kind != COUNT}
        labels = {spec.label_key for spec in models}
        if not plain or len(labels) != 1 or len(tasks) > 1 or None in metrics:
            return None
        features = [tuple(spec.feature_keys) for spec in config.slicing_specs]
        return cls(
            metrics=tuple(metric for metric in metrics if metric),
            features=tuple(dict.fromkeys(name for names in features for name in names)),
            overall=() in features or not features,
            label=models[0].label_key,
            task=next(iter(tasks), Task.BINARY),
            candidate=models[0].name,
            baseline=models[1].name if len(models) > 1 else None,
        )


def _nothing_else(config: config_pb2.EvalConfig) -> bool:
    """Returns whether the configuration is empty except for the parsed fields."""
    left = config_pb2.EvalConfig()
    left.CopyFrom(config)
    names = [list(spec.model_names) for spec in left.metrics_specs]
    if names != [[spec.name for spec in left.model_specs]] or len(left.model_specs) > 2:  # noqa: PLR2004 - candidate and baseline
        return False
    left.ClearField("model_specs")
    for spec in left.metrics_specs:
        spec.ClearField("metrics")
        spec.ClearField("model_names")
    if any(len(spec.feature_keys) > 1 for spec in left.slicing_specs):
        return False
    for spec in left.slicing_specs:
        spec.ClearField("feature_keys")
    return not any(spec.ByteSize() for spec in (*left.slicing_specs, *left.metrics_specs)) and (
        {field.name for field, _ in left.ListFields()} <= {"slicing_specs", "metrics_specs"}
    )


def _plain_model(given: config_pb2.ModelSpec) -> bool:
    signatures = (given.signature_name, list(given.preprocessing_function_names))
    fields = {field.name for field, _ in given.ListFields()}
    read = {"name", "is_baseline", "signature_name", "preprocessing_function_names", "label_key"}
    return signatures == SIGNATURES and fields <= read


def _metric(given: config_pb2.MetricConfig) -> Metric | None:
    fields = {field.name for field, _ in given.ListFields()}
    settings = json.loads(f"{{{given.config.strip().strip('{}')}}}")
    known = {"name"} | SETTINGS.get(given.class_name, set())
    is_known = given.class_name in TASKS or given.class_name == COUNT
    if fields - {"class_name", "config"} or not is_known or set(settings) - known:
        return None
    return Metric(given.class_name, settings)
