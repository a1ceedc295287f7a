"""Figures of a task's nodes, which Kubeflow shows and compares between runs."""

from collections.abc import Iterable

from evergreen.lineage.run_artifacts import PartReader, RunReading
from evergreen.runs.nodes import DATA_GATE, MODEL_GATE, SERVING_VALIDATOR, TRAINER
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.serving import ServingReport

Figures = dict[str, float | None]


def figures(run: RunReading, part: str, nodes: Iterable[str]) -> Figures:
    """Returns the figures of nodes of a part, by name; empty if they did not run.

    Args:
        run: The run.
        part: The label of a span, or `train`.
        nodes: The nodes.
    """
    reader = run.parts.get(part)
    if reader is None:
        return {}
    found: Figures = {}
    for node in nodes:
        if node in reader.nodes:
            found |= _OF.get(node, _nothing)(run, reader)
    return found


def _nothing(run: RunReading, part: PartReader) -> Figures:
    return {}


def _data_gate(run: RunReading, part: PartReader) -> Figures:
    found: Figures = {}
    for blessing in part.outputs(DATA_GATE).get("blessing", []):
        values = blessing.custom_properties
        span = f"span {values['span'].int_value}"
        found |= {f"{span} {key}": values[key].int_value for key in ("findings", "drifted")}
    return found


def _trainer(run: RunReading, part: PartReader) -> Figures:
    return {
        f"{split} {name}": value
        for split, values in run.metrics().items()
        for name, value in values.items()
    }


def _model_gate(run: RunReading, part: PartReader) -> Figures:
    report = part.report(ModelReport)
    found: Figures = {"blessed by ModelGate": report.blessed if report else None}
    for model, metrics in (report.models if report else {}).items():
        found |= {f"{model} {name}": value for name, value in metrics.items()}
    return found


def _serving_validator(run: RunReading, part: PartReader) -> Figures:
    report = part.report(ServingReport)
    return {"blessed by ServingValidator": report.blessed if report else None}


_OF = {
    DATA_GATE: _data_gate,
    TRAINER: _trainer,
    MODEL_GATE: _model_gate,
    SERVING_VALIDATOR: _serving_validator,
}
