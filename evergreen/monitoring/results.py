"""Results of monitoring a window of traffic: the contract between monitors and triggers.

In ML Metadata, a result is an artifact, attributed to the model that served.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.filters import Filter
from evergreen.lineage.registry import VERSION_TYPE, Registry
from evergreen.lineage.store import set_properties
from evergreen.runs.plan import Frozen
from evergreen.settings import Settings

TYPE = "MonitoringResult"
EXECUTION = "evergreen.monitor"
PAGE = "index.html"


class Kind(StrEnum):
    """The subject of a finding."""

    DRIFT = "drift"  # live traffic compared with the previous window
    SKEW = "skew"  # live traffic compared with the training data
    PREDICTIONS = "prediction drift"  # predictions compared with those at evaluation
    PERFORMANCE = "performance"  # predictions compared with late labels
    STALENESS = "staleness"  # the age of the model's newest data
    SCHEMA = "schema"  # live traffic compared with the schema
    TRAFFIC = "traffic"  # whether there is enough traffic, and enough labels


class Mark(StrEnum):
    """The word for a finding beside its numbers, the same in every table."""

    FIRED = "fired"
    UNSURE = "unsure"
    WITHIN = "within"


class Window(Frozen):
    """A period, from `start` to before `end`."""

    start: datetime
    end: datetime


class TrafficFinding(Frozen):
    """A measured value and its threshold.

    Attributes:
        kind: The subject.
        name: The feature, the output or the metric.
        value: The measured value.
        threshold: Its limit.
        fired: Whether it is beyond the threshold with confidence, noise considered.
        interval: Confidence interval of the value, if it has one.
        slice: `feature=value` of a slice of the traffic; empty for all of it.
        rows: The number of measured rows.
        detail: A text for people.
    """

    kind: Kind
    name: str
    value: float
    threshold: float
    fired: bool
    interval: tuple[float, float] | None = None
    slice: str = ""
    rows: int = 0
    detail: str = ""

    @property
    def mark(self) -> Mark:
        """Its mark: not sure if the value is beyond the threshold, and its interval is not.

        A metric has its threshold on either side: of it, the interval alone tells.
        """
        if self.fired:
            return Mark.FIRED
        if self.interval is None:
            return Mark.WITHIN
        beyond = self.kind is Kind.PERFORMANCE or self.value > self.threshold
        low, high = self.interval
        return Mark.UNSURE if beyond and low <= self.threshold <= high else Mark.WITHIN


class MonitoringResult(Frozen):
    """The result of monitoring one model version in one window.

    Attributes:
        model: The model's name.
        version: The version that served.
        window: The monitored period.
        created: When it was monitored, by the caller's clock.
        rows: Logged predictions in the window.
        labelled: The number of them with labels.
        findings: All findings, fired or not.
        notes: What could not be monitored, and why.
        unjudged: Performance rules that could not be judged, so that they do not hold.
    """

    model: str
    version: int
    window: Window
    created: datetime
    rows: int
    labelled: int
    findings: tuple[TrafficFinding, ...]
    notes: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def fired(self) -> tuple[TrafficFinding, ...]:
        """The findings beyond their thresholds."""
        return tuple(finding for finding in self.findings if finding.fired)


def result_folder(settings: Settings, result: MonitoringResult) -> Path:
    """Returns the folder of a result's files."""
    name = f"{result.created:%Y%m%d-%H%M%S.%f}-v{result.version}"
    return settings.monitoring.folder / "results" / name


def publish(
    store: MetadataStore, result: MonitoringResult, folder: Path, read: Sequence[int] = ()
) -> int:
    """Records a result, completely or not at all; returns the id of its artifact.

    An execution links it to the version's Model artifact, and both to the version's context.

    Args:
        store: ML Metadata.
        result: The result.
        folder: The result's other files: statistics and page.
        read: Ids of other inputs, such as the statistics of the training data.
    """
    type_id = store.put_artifact_type(mlmd.ArtifactType(name=TYPE))
    artifact = mlmd.Artifact(type_id=type_id, uri=str(folder), state=mlmd.Artifact.LIVE)
    properties: dict[str, str | int] = {
        "model": result.model,
        "version": result.version,
        "fired": len(result.fired),
        "result": result.model_dump_json(),
    }
    set_properties(artifact, properties)
    execution = mlmd.Execution(
        type_id=store.put_execution_type(mlmd.ExecutionType(name=EXECUTION)),
        last_known_state=mlmd.Execution.COMPLETE,
    )
    pairs = [(artifact, _event(mlmd.Event.OUTPUT, "monitoring_result"))]
    pairs += _inputs(store, result, read)
    version = store.get_context_by_type_and_name(VERSION_TYPE, f"{result.model}/{result.version}")
    _, ids, _ = store.put_execution(execution, pairs, [version] if version else [])
    return int(ids[0])


def _inputs(
    store: MetadataStore, result: MonitoringResult, read: Sequence[int]
) -> list[tuple[mlmd.Artifact, mlmd.Event]]:
    """Returns the Model artifact, if the version is registered, and the other inputs."""
    events = Registry(store, result.model).events()
    models = {event.model.version: event.model.artifact_id for event in events}
    ids = {models[result.version]: "model"} if result.version in models else {}
    ids |= dict.fromkeys(read, "statistics")
    return [
        (artifact, _event(mlmd.Event.INPUT, ids[artifact.id]))
        for artifact in store.get_artifacts_by_id(list(ids))
    ]


def _event(kind: Any, key: str) -> mlmd.Event:
    event = mlmd.Event(type=kind)
    event.path.steps.add().key = key
    return event


def results(
    store: MetadataStore, model: str, after: int = 0
) -> Iterator[tuple[int, MonitoringResult]]:
    """Yields results with the ids of their artifacts, oldest first.

    Args:
        store: ML Metadata.
        model: The model's name.
        after: The id after which to start.
    """
    wanted = Filter("type = ? AND id > ?", TYPE, after) & Filter.has("model", model)
    for artifact in sorted(
        store.get_artifacts(wanted.options()), key=lambda artifact: int(artifact.id)
    ):
        text = artifact.custom_properties["result"].string_value
        yield int(artifact.id), MonitoringResult.model_validate_json(text)
