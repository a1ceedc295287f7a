"""The ModelGate node: decides by the Evaluator's figures and paired predictions."""

import math
from collections.abc import Collection
from pathlib import Path

import numpy as np
import tensorflow_model_analysis as tfma
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from evergreen.components.predictions import predict
from evergreen.evaluation.curves import draw
from evergreen.evaluation.estimates import measure_slices
from evergreen.evaluation.losses import Floats
from evergreen.evaluation.metrics import ANY_AUC, histogram, pack
from evergreen.evaluation.verdicts import (
    Predictions,
    judge_bounds,
    judge_comparisons,
    undefined,
)
from evergreen.evaluation.weighted import value
from evergreen.runs.reports.model import Curves, ModelReport, Scores
from evergreen.settings.gates import Criteria
from evergreen.settings.metrics import metric, plain
from evergreen.settings.task import Task

CANDIDATE, BASELINE = "candidate", "baseline"
DIFFERENCE = "_diff"  # TFMA's suffix for candidate minus baseline


@component
def ModelGate(
    examples: InputArtifact[list[standard_artifacts.Examples]],
    model: InputArtifact[standard_artifacts.Model],
    evaluation: InputArtifact[standard_artifacts.ModelEvaluation],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
    criteria: Parameter[str],
    label: Parameter[str],
    split: Parameter[str],
    baseline_version: Parameter[int],
    task: Parameter[str],
    classes: Parameter[list[str]],
    baseline_model: InputArtifact[standard_artifacts.Model] = None,
) -> None:
    """Blesses a candidate that meets all criteria.

    A refused candidate is a verdict, not a failure of the node: Pusher then pushes nothing.

    Args:
        examples: The window's examples.
        model: The candidate.
        evaluation: The metrics of candidate and baseline on the split.
        blessing: Out: the verdict, with `report.json`.
        criteria: `Criteria` as JSON.
        label: The output of the model's `transform_features` with the label.
        split: The split that decides.
        baseline_version: The serving version; 0 for none.
        task: The models' task.
        classes: The names of their classes.
        baseline_model: The serving version's model.
    """
    held_to = Criteria.model_validate_json(criteria)
    # TFMA drops the name of a model that is evaluated alone.
    candidate = overall_metrics(evaluation.uri, CANDIDATE if baseline_version else None)
    baseline = overall_metrics(evaluation.uri, BASELINE) if baseline_version else None
    predictions = predict(
        _path(model),
        baseline_model and _path(baseline_model),
        [Path(artifact.uri, f"Split-{split}") for artifact in examples],
        label,
        sorted({slicing.feature for rule in held_to.not_worse for slicing in rule.by}),
        Task(task),
        classes,
    )
    candidate |= _own(held_to, predictions, predictions.candidate, candidate)
    if baseline is not None and predictions.baseline is not None:
        baseline |= _own(held_to, predictions, predictions.baseline, baseline)
    unknown = undefined((baseline or {}) | candidate, predictions.labels, predictions.task)
    verdicts = judge_bounds(held_to.bounds, candidate, unknown) + judge_comparisons(
        held_to, predictions
    )
    report = ModelReport(
        blessed=all(verdict.passed for verdict in verdicts),
        baseline_version=baseline_version or None,
        candidate=_known(candidate, unknown),
        baseline=baseline and _known(baseline, unknown),
        undefined=unknown,
        unlabelled=predictions.unlabelled,
        verdicts=tuple(verdicts),
        slices=tuple(measure_slices(held_to, predictions)),
        curves=_curves(predictions),
        scores=_scores(predictions),
        task=predictions.task,
        classes=predictions.classes,
    )
    report.write(blessing.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(report.blessed))
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)


def overall_metrics(evaluation: str, model_name: str | None) -> dict[str, float]:
    """Returns the metrics of a model over all rows, by name.

    Args:
        evaluation: The folder of a ModelEvaluation artifact.
        model_name: The name of the model in the evaluation; None for the only one.
    """
    result = tfma.load_eval_result(evaluation, model_name=model_name)
    metrics = result.get_metrics_for_slice()
    return {
        name: float(value["doubleValue"])  # TFMA writes NaN as text
        for name, value in metrics.items()
        if "doubleValue" in value and not name.endswith(DIFFERENCE)
    }


def _own(
    criteria: Criteria, predictions: Predictions, answers: Floats, known: Collection[str]
) -> dict[str, float]:
    """Returns metrics of the task, and those of the bounds, that Evaluator did not compute.

    And the AUC, of which Evaluator has an approximation by a thousand thresholds: the gate compares
    both models by the exact one.
    """
    task, classes = predictions.task, predictions.classes
    names = dict.fromkeys([*plain(task), *(bound.metric for bound in criteria.bounds)])
    return {
        name: value(metric(name, task, classes), predictions.labels, answers, classes)
        for name in names
        if name not in known or name == ANY_AUC
    }


def _path(model: standard_artifacts.Model) -> Path:
    return Path(path_utils.serving_model_path(model.uri))


def _curves(predictions: Predictions) -> dict[str, Curves | None]:
    answers = {CANDIDATE: predictions.candidate, BASELINE: predictions.baseline}
    return {
        name: draw(predictions.labels, found, predictions.task, predictions.classes)
        if found is not None
        else None
        for name, found in answers.items()
    }


def _scores(predictions: Predictions) -> Scores | None:
    """Returns the candidate's probabilities for monitors; None if an answer is no number.

    Those of several classes are of the predicted one, by whether it is right.
    """
    labels, answers = predictions.labels, predictions.candidate
    if predictions.task is Task.REGRESSION or not np.isfinite(answers).all():
        return None
    if predictions.task is Task.MULTICLASS:
        labels, answers = answers.argmax(axis=1) == labels, answers.max(axis=1)
    return pack(histogram(labels, answers))


def _known(metrics: dict[str, float], unknown: dict[str, str]) -> dict[str, float | None]:
    """Returns the metrics, with None for those without a value, since JSON has no NaN."""
    return {
        name: value if name not in unknown and math.isfinite(value) else None
        for name, value in metrics.items()
    }
