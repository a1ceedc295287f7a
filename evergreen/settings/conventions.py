"""Where everything of a use case is by convention; files and overrides may say otherwise.

Use cases share the metadata, the artifacts, the reports and the logs of a root; each has its own
spans, models, predictions, labels and monitoring.
"""

from collections.abc import Mapping
from typing import Any

ROOT = "var"
"""The root of all folders, unless the settings name another."""
CONVENTIONS: dict[str, Any] = {
    "root": ROOT,
    "pipeline": {
        "name": "{use_case}",
        "root": "{root}/pipeline",
        "use_case": ["models/{use_case}"],
    },
    "data": {
        "source": "data.{use_case}.spans:cut",
        "spans": "{root}/spans/{use_case}",
        "schema": "data/{use_case}/schema.pbtxt",
    },
    "model": {
        "name": "{use_case}",
        "preprocessing_fn": "models.{use_case}.model.preprocessing_fn",
        "run_fn": "models.{use_case}.model.run_fn",
    },
    "metadata": {"sqlite": "{root}/metadata.sqlite"},
    "serving": {"base_path": "{root}/serving/{use_case}"},
    "gateway": {"log": {"folder": "{root}/predictions/{use_case}"}},
    "monitoring": {
        "folder": "{root}/monitoring/{use_case}",
        "labels": {"folder": "{root}/labels/{use_case}"},
    },
    "replay": {"folder": "{root}/replay/{use_case}", "label": "models.{use_case}.model.label"},
    "reports": {"folder": "{root}/reports"},
    "logs": {"folder": "{root}/logs"},
}


def conventions(use_case: str) -> dict[str, Any]:
    """Returns the conventions for a use case; the validation of paths fills their placeholders."""
    return {"use_case": use_case, **_named(CONVENTIONS, use_case)}


def _named(section: Mapping[str, Any], use_case: str) -> dict[str, Any]:
    """Returns a section with the name in dotted paths and names, which are no paths of files."""
    named: dict[str, Any] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            named[key] = _named(value, use_case)
        elif isinstance(value, str) and "/" not in value:
            named[key] = value.replace("{use_case}", use_case)
        else:
            named[key] = value
    return named
