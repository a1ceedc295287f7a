"""The ModelGate node: from the Evaluator's figures to a ModelBlessing."""

import json
from pathlib import Path

import tensorflow_model_analysis as tfma
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from evergreen.components.model_gate.criteria import Criteria, judge

REPORT = "report.json"
CANDIDATE, BASELINE = "candidate", "baseline"
DIFFERENCE = "_diff"  # what TFMA appends to the names of candidate minus baseline


@component
def ModelGate(  # noqa: N802 - a component is a class to its users
    model: InputArtifact[standard_artifacts.Model],
    evaluation: InputArtifact[standard_artifacts.ModelEvaluation],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
    criteria: Parameter[str],
    baseline_version: Parameter[int],
) -> None:
    """Blesses a candidate that meets all criteria.

    A refused candidate is a verdict, not a failure of the node: Pusher then pushes nothing.

    Args:
        model: The candidate.
        evaluation: The metrics of candidate and baseline on the test split.
        blessing: Out: the verdict, with `report.json`.
        criteria: `Criteria` as JSON.
        baseline_version: The serving version that was evaluated too; 0 for none.
    """
    # TFMA drops the name of a model that is evaluated alone.
    candidate = overall_metrics(evaluation.uri, CANDIDATE if baseline_version else None)
    baseline = overall_metrics(evaluation.uri, BASELINE) if baseline_version else None
    verdicts = judge(Criteria.model_validate_json(criteria), candidate, baseline)
    blessed = all(verdict.passed for verdict in verdicts)
    report = {
        "blessed": blessed,
        "baseline_version": baseline_version or None,
        "candidate": candidate,
        "baseline": baseline,
        "verdicts": [verdict.model_dump() for verdict in verdicts],
    }
    Path(blessing.uri, REPORT).write_text(json.dumps(report, indent=1))
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
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
        name: value["doubleValue"]
        for name, value in metrics.items()
        if "doubleValue" in value and not name.endswith(DIFFERENCE)
    }
