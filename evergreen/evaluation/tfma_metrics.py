"""Computes TFMA's metrics from columns of labels and predictions, not row by row.

NumPy accumulates what TFMA accumulates by rows: its histogram of predictions (10,000 buckets), and
Keras' mean. TFMA's own code derives the metrics from these, so AUC and calibration are its own.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
import tf_keras
from tensorflow_model_analysis.metrics import calibration, calibration_histogram, metric_types

from evergreen.evaluation.losses import Floats
from evergreen.evaluation.request import AUC, CALIBRATION, COUNT, MAE, Metric

BUCKETS = calibration_histogram.DEFAULT_NUM_BUCKETS
Figures = dict[metric_types.MetricKey, float]
SIMPLE: dict[str, tuple[str, Callable[[Floats, Floats], float]]] = {
    COUNT: ("example_count", lambda labels, _: float(len(labels))),
    MAE: ("mean_absolute_error", lambda labels, answers: float(np.abs(answers - labels).mean())),
}
"""Default name and function of metrics that are TFMA's own, and need none of its sums."""


def measure(metric: Metric, model: str, labels: Floats, answers: Floats) -> Figures:
    """Computes a metric on some rows.

    Args:
        metric: The metric.
        model: The model's name, part of the metric's key.
        labels: Of the metric's task, shape [n].
        answers: Of float32 precision, shape [n] or [n, classes].
    """
    if metric.kind in (AUC, CALIBRATION):
        return _derived(metric, model, labels, answers)
    if metric.kind in SIMPLE:
        default, compute = SIMPLE[metric.kind]
        name, value = metric.settings.get("name", default), compute(labels, answers)
    else:
        made = getattr(tf_keras.metrics, metric.kind)(**metric.settings)
        table = answers if answers.ndim > 1 else answers[:, np.newaxis]
        made.update_state(labels[:, np.newaxis], table.astype(np.float32))
        name, value = made.name, float(made.result())
    return {metric_types.MetricKey(name, model, example_weighted=False): value}


def _derived(metric: Metric, model: str, labels: Floats, probabilities: Floats) -> Figures:
    """Skips the first of TFMA's computations, which accumulates rows; the others use its sums."""
    made = getattr(tfma.metrics, metric.kind)(**metric.settings)
    sums, *others = made.computations(model_names=[model], output_names=[""])
    added = _histogram if metric.kind == AUC else _totals
    found: dict[metric_types.MetricKey, Any] = {sums.keys[-1]: added(labels, probabilities)}
    for other in others:
        found |= other.result(found)
    key = others[-1].keys[-1]
    return {key: float(found[key])}


def _totals(labels: Floats, probabilities: Floats) -> object:
    totals = calibration._WeightedLabelsPredictionsExamples()
    totals.total_weighted_labels = float(labels.sum())
    totals.total_weighted_predictions = float(probabilities.sum())
    totals.total_weighted_examples = float(len(labels))
    return totals


def _histogram(labels: Floats, probabilities: Floats) -> list[calibration_histogram.Bucket]:
    """Returns buckets of equal width from 0 to 1, numbered from 1, without empty ones."""
    places = np.clip((probabilities * BUCKETS + 1).astype(np.int64), 0, BUCKETS + 1)
    sums = [np.bincount(places, weights) for weights in (labels, probabilities, None)]
    return [
        calibration_histogram.Bucket(int(at), *(float(total[at]) for total in sums))
        for at in np.flatnonzero(sums[2])
    ]
