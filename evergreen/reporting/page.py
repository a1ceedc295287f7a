"""Renders the page of a run: the sections into the templates beside this."""

from datetime import UTC, datetime

from jinja2 import Environment
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.registry import Registry
from evergreen.planning.plan import RunRecord
from evergreen.reporting import facts, gates
from evergreen.reporting.data import DataSection
from evergreen.reporting.environment import environment
from evergreen.reporting.graph import Graph
from evergreen.reporting.headline import headline
from evergreen.reporting.model import ModelSection
from evergreen.reporting.reading import RunReading
from evergreen.settings import Settings


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
    made = environment()
    made.filters[gates.failed_first.__name__] = gates.failed_first
    return made
