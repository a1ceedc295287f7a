"""Renders the page of a run: the sections into the templates beside this."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.registry import Registry
from evergreen.planning.plan import RunRecord
from evergreen.reporting import facts, gates, wording
from evergreen.reporting.data import DataSection
from evergreen.reporting.graph import Graph
from evergreen.reporting.headline import headline
from evergreen.reporting.model import ModelSection
from evergreen.reporting.reading import RunReading
from evergreen.settings import Settings

TEMPLATES = Path(__file__).with_name("templates")


def render(settings: Settings, store: MetadataStore, record: RunRecord) -> str:
    """Returns the page of a run, ended in any way, as HTML that needs nothing besides itself."""
    reading = RunReading(store, record)
    events = Registry(store, settings.model.name).events()
    model_gate = reading.report("ModelGate")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            record=record,
            headline=headline(reading, events),
            summary=facts.summary(reading, events),
            verdicts=gates.verdicts(reading),
            criteria=gates.Criteria.of(model_gate) if model_gate else None,
            data=DataSection.of(reading, settings.data.timestamp),
            model=ModelSection.of(reading),
            serving=reading.report("ServingValidator"),
            graphs={name: Graph.of(part) for name, part in reading.parts.items()},
            identity=facts.identity(record, events),
            executions=facts.executions(reading, settings.pipeline.root),
            written=datetime.now(UTC),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = (wording.count, wording.number, wording.signed, wording.percent, wording.duration,
             wording.moment, wording.mark, wording.kind, gates.failed_first)  # fmt: skip
    environment.filters |= {function.__name__: function for function in shown}
    return environment
