"""Renders the page of a run from the templates beside this module."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from jinja2 import Environment
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.registry import Registry
from evergreen.lineage.run_artifacts import RunReading
from evergreen.lineage.stages import Event
from evergreen.reporting import facts, gates
from evergreen.reporting.charts import slices
from evergreen.reporting.data import DataSection, ValuesSection
from evergreen.reporting.environment import environment
from evergreen.reporting.gaps import page, section
from evergreen.reporting.graph import Graph
from evergreen.reporting.headline import headline
from evergreen.reporting.model import ModelSection
from evergreen.runs import sentences
from evergreen.runs.plan import RunRecord
from evergreen.runs.reports.model import ModelReport
from evergreen.runs.reports.serving import ServingReport
from evergreen.settings import Settings
from evergreen.settings.task import Task


def render(settings: Settings, store: MetadataStore, record: RunRecord) -> str:
    """Returns the page of a run with any outcome, as self-contained HTML.

    Parts that cannot be shown are replaced by a sentence, so that there is always a page.
    """
    title = f"Run {record.run_id}: {record.outcome or 'not ended'}"
    return page(title, lambda: _render(settings, store, record, title))


def _render(settings: Settings, store: MetadataStore, record: RunRecord, title: str) -> str:
    reading = RunReading(store, record)
    events = Registry(store, settings.model.name).events()
    templates = _environment()
    made = {
        name: section(templates, name, heading, make)
        for name, (heading, make) in _sections(settings, reading, events).items()
    }
    shown = {"sections": made, "record": record, "title": title, "written": datetime.now(UTC)}
    return templates.get_template("report.html.j2").render(shown)


def _sections(
    settings: Settings, reading: RunReading, events: Sequence[Event]
) -> dict[str, tuple[str, Callable[[], Mapping[str, object]]]]:
    """Returns the sections in order: heading, and values of the template."""
    record = reading.record

    def of_gates() -> Mapping[str, object]:
        report = reading.report(ModelReport)
        criteria = gates.Criteria.of(report) if report else None
        task = report.task if report else Task.BINARY
        return {"verdicts": gates.verdicts(reading), "criteria": criteria, "task": task.value}

    return {
        "headline": (
            f"Run {record.run_id}: {record.outcome or 'not ended'}",
            lambda: {
                "record": record,
                "headline": headline(reading, events),
                "summary": facts.summary(reading, events),
            },
        ),
        "gates": ("Gates", of_gates),
        "data": ("Data", lambda: {"data": DataSection.of(reading)}),
        "values": (
            "Values",
            lambda: {"values": ValuesSection.of(reading, settings.data.timestamp)},
        ),
        "model": ("Model", lambda: {"model": ModelSection.of(reading)}),
        "serving": (
            "Serving validation",
            lambda: {"serving": reading.report(ServingReport)},
        ),
        "nodes": (
            "Nodes",
            lambda: {
                "graphs": {name: Graph.of(part) for name, part in reading.parts.items()},
                "executions": facts.executions(reading, settings.pipeline.root),
            },
        ),
        "lineage": (
            "Lineage",
            lambda: {
                "identity": facts.identity(record, events),
                "spans": reading.spans,
                "executions": facts.executions(reading, settings.pipeline.root),
            },
        ),
    }


def _environment() -> Environment:
    made = environment()
    for shown in (gates.failed_first, sentences.measure, sentences.limit, slices.titled):
        made.filters[shown.__name__] = shown
    return made
