"""The ServingValidator node: validates an exported model, and prepares what to push."""

import shutil
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from evergreen.components.serving_validator.samples import as_request, sample, serving_features
from evergreen.components.serving_validator.validation import Baseline, Validation
from evergreen.quality.schema import load_schema
from evergreen.runs.reports.serving import ServingReport
from evergreen.serving.trial import process
from evergreen.serving.trial.exported import read_signatures
from evergreen.serving.trial.server import ModelServer
from evergreen.settings.gates import ServingCriteria
from evergreen.settings.task import Task

# The properties of an InfraBlessing that TFX's Pusher reads.
BLESSED, HAS_MODEL = "blessed", "has_model"


@component
def ServingValidator(
    examples: InputArtifact[list[standard_artifacts.Examples]],
    model: InputArtifact[standard_artifacts.Model],
    schema: InputArtifact[standard_artifacts.Schema],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
    criteria: Parameter[str],
    model_server: Parameter[str],
    model_name: Parameter[str],
    split: Parameter[str],
    key: Parameter[str],
    baseline_version: Parameter[int],
    task: Parameter[str],
    classes: Parameter[list[str]],
    baseline_model: InputArtifact[standard_artifacts.Model] = None,
) -> None:
    """Blesses a model that a real server serves as its clients expect: fast, and consistently.

    It replaces TFX's InfraValidator, which needs Docker or Kubernetes. A refused model is a
    verdict, not a failure of the node: Pusher then pushes nothing.

    It validates the copy that Pusher pushes when it gets the blessing and no model: the exported
    model, with the recorded requests as TensorFlow Serving's warm-up
    (`assets.extra/tf_serving_warmup_requests`), the only place where they are kept.

    Args:
        examples: The window's examples.
        model: The candidate.
        schema: The schema, which lists the features of a row and of a request (environment
            `SERVING`).
        blessing: Out: the verdict, with `report.json` and the copy of the model.
        criteria: `ServingCriteria` as JSON.
        model_server: The path of a `tensorflow_model_server`; if empty, the one found on PATH, or
            else the embedded server.
        model_name: The served name of the model.
        split: The split for making requests.
        key: The feature with the row's stable key.
        baseline_version: The serving version; 0 for none.
        task: The model's task.
        classes: The names of its classes.
        baseline_model: The serving version's model.
    """
    held_to = ServingCriteria.model_validate_json(criteria)
    copy = Path(path_utils.stamped_model_path(blessing.uri))
    shutil.copytree(path_utils.serving_model_path(model.uri), copy)
    baseline = _baseline(baseline_version, baseline_model)
    command = process.find_program(model_server)
    # First, so that it imports TensorFlow while the requests are recorded.
    with ModelServer(command, model_name, held_to.load_seconds, held_to.answer_seconds) as server:
        folders = [Path(artifact.uri, f"Split-{split}") for artifact in examples]
        expected = load_schema(Path(schema.uri))
        features = serving_features(expected)
        records = sample(folders, expected, key, held_to.rows)
        rows = [as_request(record, features) for record in records]
        about, kind = process.describe_program(command), Task(task)
        validation = Validation(copy, held_to, server, about, kind, len(classes))
        report = validation(rows, features, model_name, baseline)
    _write(report, blessing)


def _baseline(version: int, model: standard_artifacts.Model | None) -> Baseline | None:
    if model is None:
        return None
    return Baseline(version, read_signatures(Path(path_utils.serving_model_path(model.uri))))


def _write(report: ServingReport, blessing: standard_artifacts.InfraBlessing) -> None:
    report.write(blessing.uri)
    blessing.set_int_custom_property(BLESSED, int(report.blessed))
    blessing.set_int_custom_property(HAS_MODEL, 1)
