"""The results of a training, read from ML Metadata."""

from pathlib import Path

from evergreen.errors import EvergreenError
from evergreen.lineage.run_artifacts import PartReader, R
from evergreen.runs.nodes import PUSHER, SERVING_VALIDATOR, TRAINER

VALIDATED_MODEL = "stamped_model"
"""The place of the model in an InfraBlessing, where TFX's Pusher looks for it."""


class RunFailedError(EvergreenError):
    """Raised when a node of the run failed, or whatever carried it out."""


def gate_report(part: PartReader, kind: type[R]) -> R:
    """Returns the report of a gate that has run."""
    report = part.report(kind)
    assert report is not None, f"{kind.node} has not run, or its files are gone"
    return report


def pushed(part: PartReader) -> Path | None:
    """Returns the folder that the model was pushed to, if it was."""
    made = part.outputs(PUSHER).get("pushed_model", [])
    for properties in (artifact.custom_properties for artifact in made):
        if properties["pushed"].int_value:
            return Path(properties["pushed_destination"].string_value)
    return None


def model_id(part: PartReader) -> int:
    """Returns the id of the Model artifact that was trained."""
    [model] = part.outputs(TRAINER)["model"]
    return int(model.id)


def validated_model(part: PartReader) -> Path:
    """Returns the folder of the SavedModel that was validated, with its recorded requests."""
    [blessing] = part.outputs(SERVING_VALIDATOR)["blessing"]
    return Path(blessing.uri, VALIDATED_MODEL)
