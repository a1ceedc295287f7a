"""The node as TFX's launcher runs it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx.types import Artifact, standard_artifacts

from evergreen.components.serving_validator.component import ServingValidator
from evergreen.settings.gates import ServingCriteria
from evergreen.settings.task import Task
from tests.unit.components.rows import Row, write_split

SCHEMA = """
default_environment: "TRAINING"
default_environment: "SERVING"
feature { name: "id" type: BYTES not_in_environment: "SERVING" }
feature { name: "tips" type: FLOAT not_in_environment: "SERVING" }
feature { name: "fare" type: FLOAT }
feature { name: "hour" type: INT }
feature { name: "payment" type: BYTES }
"""


def make_rows(numbers: range) -> list[Row]:
    """Rows with keys and labels, each without one of the other features."""
    return [_row(number) for number in numbers]


class Node:
    """One execution of ServingValidator, and the artifacts it works on."""

    def __init__(self, folder: Path, model: Path) -> None:
        """The rows of two spans, and a model: a folder that `Format-Serving` is in."""
        self.spans = [folder / "span-1", folder / "span-2"]
        for span, numbers in zip(self.spans, (range(30), range(30, 50)), strict=True):
            if not span.exists():
                write_split(span, "test", make_rows(numbers))
        (folder / "schema.pbtxt").write_text(SCHEMA)
        self._folder = folder
        self._model = model
        self.blessing = standard_artifacts.InfraBlessing()
        self.blessing.uri = str(model / "blessing")
        Path(self.blessing.uri).mkdir()

    def __call__(
        self,
        criteria: ServingCriteria,
        baseline: Path | None = None,
        version: int = 0,
        model_server: str = "",
        task: Task = Task.BINARY,
        classes: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Runs the node; returns its report."""
        inputs = {
            "examples": [_artifact(standard_artifacts.Examples, span) for span in self.spans],
            "model": [_artifact(standard_artifacts.Model, self._model)],
            "schema": [_artifact(standard_artifacts.Schema, self._folder)],
        }
        if baseline:
            inputs["baseline_model"] = [_artifact(standard_artifacts.Model, baseline)]
        parameters = {
            "criteria": criteria.model_dump_json(),
            "model_server": model_server,
            "model_name": "taxi",
            "split": "test",
            "key": "id",
            "baseline_version": version,
            "task": task.value,
            "classes": list(classes),
        }
        executor = ServingValidator.EXECUTOR_SPEC.executor_class()
        executor.Do(inputs, {"blessing": [self.blessing]}, parameters)
        report: dict[str, Any] = json.loads(Path(self.blessing.uri, "report.json").read_text())
        return report


def refused(report: dict[str, Any]) -> dict[str, str]:
    """The details of the checks that did not pass, by criterion."""
    lines = report["checks"]
    return {line["criterion"]: line["detail"] for line in lines if not line["passed"]}


def _row(number: int) -> Row:
    features: Row = {"fare": [number / 3], "hour": [number % 24], "payment": [b"Cash"]}
    del features[("fare", "hour", "payment")[number % 3]]
    return {"id": [f"row {number}".encode()], "tips": [float(number)], **features}


def _artifact(kind: type[Artifact], uri: Path) -> Artifact:
    artifact = kind()
    artifact.uri = str(uri)
    return artifact
