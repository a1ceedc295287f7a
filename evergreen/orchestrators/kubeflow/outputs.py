"""Outputs of a container to Kubeflow Pipelines: parameters, pages and metrics.

KFP tells each container, as JSON, where to write them. The real backend and `kfp.local` expect the
same: one file per parameter, one per artifact, and one for the artifacts' metadata.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GO_ON, STOP = "yes", "no"
"""The values of the parameter that continues or ends training after its first task."""


class Outputs:
    """The outputs of one task; those that KFP did not request are skipped."""

    def __init__(self, executor_input: str) -> None:
        """Parses the value of the placeholder `{{$}}`; empty without KFP."""
        self._asked: dict[str, Any] = json.loads(executor_input or "{}").get("outputs", {})
        self._known: dict[str, dict[str, Any]] = {}

    def parameter(self, name: str, value: str | list[str]) -> None:
        """Writes a parameter: texts unchanged, all else as JSON."""
        asked = self._asked.get("parameters", {}).get(name)
        if asked:
            text = value if isinstance(value, str) else json.dumps(value)
            _write(Path(asked["outputFile"]), text)

    def page(self, name: str, html: str) -> None:
        """Writes a page, which Kubeflow shows."""
        if artifact := self._artifact(name):
            from kfp.dsl import Artifact

            _write(Path(Artifact(uri=artifact["uri"]).path), html)

    def metrics(self, name: str, values: Mapping[str, float | None]) -> None:
        """Writes figures, which Kubeflow shows and compares between runs."""
        if artifact := self._artifact(name):
            shown = {key: value for key, value in values.items() if _is_number(value)}
            self._known[name] = {"artifacts": [artifact | {"metadata": shown}]}
            _write(Path(self._asked["outputFile"]), json.dumps({"artifacts": self._known}))

    def _artifact(self, name: str) -> dict[str, Any] | None:
        asked = self._asked.get("artifacts", {}).get(name)
        if not asked:
            return None
        [artifact] = asked["artifacts"]
        return {key: artifact[key] for key in ("name", "uri") if key in artifact}


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)  # JSON has no other numbers


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
