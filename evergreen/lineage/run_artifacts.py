"""A run as recorded in ML Metadata and its artifacts, for reports and notebooks.

Needs no TensorFlow. Files that are gone, or were never written because the run ended early, are
read as None or empty, so that the rest of any run can be read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tensorflow_metadata.proto.v0 import anomalies_pb2

from evergreen.lineage.artifacts import data_verdicts
from evergreen.lineage.filters import Filter
from evergreen.lineage.nodes import NodeReader, NodeState
from evergreen.quality.artifacts import load_anomalies, load_statistics, parse_file
from evergreen.runs.metric_names import present_names
from evergreen.runs.nodes import DATA_GATE, TRAINER
from evergreen.runs.plan import TRAIN, RunRecord, SpanRef
from evergreen.runs.reports.data import DataReport
from evergreen.runs.reports.report import FILE, Report

Artifacts = Mapping[str, list[mlmd.Artifact]]
"""Artifacts of an execution by key, such as `examples`."""
R = TypeVar("R", bound=Report)
CUT_OFF = "cut off"
_MADE = (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)


class PartReader:
    """Reads nodes, artifacts and verdicts of a pipeline run: of one ingestion or training.

    Attributes:
        nodes: The newest state of every node that started, by node id, in order of their start.
    """

    def __init__(self, store: MetadataStore, pipeline: str, pipeline_run: str) -> None:
        self._store = store
        self.nodes: dict[str, NodeState] = {
            state.node_id: state for state in NodeReader(store).states(pipeline, pipeline_run)
        }

    @property
    def wholly_cached(self) -> bool:
        """Returns whether every node was served from the cache."""
        return all(node.state == "cached" for node in self.nodes.values())

    def inputs(self, node: str) -> Artifacts:
        """Returns the artifacts that a node read."""
        return self._artifacts(node)[0]

    def outputs(self, node: str) -> Artifacts:
        """Returns the artifacts that a node made; empty if it did not get that far."""
        return self._artifacts(node)[1]

    def report(self, kind: type[R]) -> R | None:
        """Returns the report of a gate, such as a `ModelReport`; None if there is none."""
        [blessing] = self.outputs(kind.node).get("blessing") or [None]
        return blessing and load_report(Path(blessing.uri), kind)

    def _artifacts(self, node: str) -> tuple[Artifacts, Artifacts]:
        state = self.nodes.get(node)
        return self._by_execution.get(state.execution_id, ({}, {})) if state else ({}, {})

    @cached_property
    def _by_execution(self) -> dict[int, tuple[Artifacts, Artifacts]]:
        ids = [state.execution_id for state in self.nodes.values()]
        return {id_: artifacts_of(self._store, id_) for id_ in ids}


@dataclass(frozen=True)
class SpanReader:
    """Reads an ingested span.

    Attributes:
        ref: The span.
        report: The data gate's report; None if there is none.
        artifacts: All that the data gate read and made, by key: `examples`, `statistics`,
            `anomalies`, `schema`, `blessing`, ...
    """

    ref: SpanRef
    report: DataReport | None = None
    artifacts: Artifacts = field(default_factory=dict)

    def statistics(self, split: str = TRAIN, key: str = "statistics") -> Any:
        """Returns a split's `DatasetFeatureStatistics`, or None.

        Args:
            split: The name of the split.
            key: `statistics` for the span's own; `previous_statistics` for those that the data gate
                compared it with.
        """
        found = self.artifacts.get(key)
        return load_statistics(Path(found[0].uri), split) if found else None

    def anomalies(self) -> dict[str, anomalies_pb2.Anomalies]:
        """Returns the anomalies that TFDV found in each split, as `Anomalies`."""
        found = self.artifacts.get("anomalies")
        return load_anomalies(Path(found[0].uri)) if found else {}


class RunReading:
    """Reads a run: its parts, the spans of its window, the model that it trained.

    Attributes:
        record: The run's record.
        parts: The parts that started, by name (`span-00003-v01`, `train`), in order.
    """

    def __init__(self, store: MetadataStore, record: RunRecord) -> None:
        self._store = store
        self.record = record
        readers = {
            name: PartReader(store, record.pipeline, record.pipeline_run(name))
            for name in record.parts
        }
        self.parts = {name: reader for name, reader in readers.items() if reader.nodes}

    def cut_off(self) -> None:
        """Marks running nodes as cut off, because no process works on the run."""
        for part in self.parts.values():
            part.nodes = {
                name: replace(node, state=CUT_OFF) if node.state == "running" else node
                for name, node in part.nodes.items()
            }

    @cached_property
    def spans(self) -> list[SpanReader]:
        """Returns the spans of the window, in order."""
        return [self._span(ref) for ref in self.record.window]

    @property
    def train(self) -> PartReader | None:
        """Returns the part that trained; None if the run ended before."""
        return self.parts.get(TRAIN)

    def report(self, kind: type[R]) -> R | None:
        """Returns a `ModelReport` or a `ServingReport`; None if there is none."""
        return self.train.report(kind) if self.train else None

    def history(self) -> Mapping[str, list[float]]:
        """Returns the losses by epoch, `loss` and `val_loss`; empty if nothing was trained."""
        return self._model_run("history.json") or {}

    def metrics(self) -> Mapping[str, Mapping[str, float | None]]:
        """Returns the trainer's own metrics of the splits `train` and `eval`."""
        found = self._model_run("metrics.json") or {}
        return {split: present_names(metrics) for split, metrics in found.items()}

    def span_of(self, statistics_id: int) -> int | None:
        """Returns the number of the span that statistics describe, if the data gate has seen it."""
        found = self._blessings(Filter.has("statistics_id", statistics_id))
        return int(found[0].custom_properties["span"].int_value) if found else None

    def _model_run(self, name: str) -> Any:
        found = self.train.outputs(TRAINER).get("model_run") if self.train else None
        file = Path(found[0].uri, name) if found else None
        return parse_file(file, json.loads) if file and file.is_file() else None

    def _span(self, ref: SpanRef) -> SpanReader:
        blessing = self._blessing(ref)
        if blessing is None:
            part = self.parts.get(ref.label)
            made = [part.outputs(node) for node in part.nodes] if part else []
            return SpanReader(
                ref, artifacts={key: v for outputs in made for key, v in outputs.items()}
            )
        events = self._store.get_events_by_artifact_ids([blessing.id])
        execution = next(event.execution_id for event in events if event.type in _MADE)
        read, made_by_gate = artifacts_of(self._store, execution)
        report = load_report(Path(blessing.uri), DataReport)
        return SpanReader(ref, report, {**read, **made_by_gate})

    def _blessing(self, ref: SpanRef) -> mlmd.Artifact | None:
        """Returns the verdict that this run made, else the one it used, else the newest."""
        part = self.parts.get(ref.label)
        if part and (made := part.outputs(DATA_GATE).get("blessing")):
            return made[0]
        found = self._blessings(Filter.has("ingest_key", ref.ingest_key))
        pinned = self.record.pins.examples if self.record.pins else ()

        def preference(artifact: mlmd.Artifact) -> tuple[bool, int]:
            return artifact.custom_properties["examples_id"].int_value in pinned, artifact.id

        return max(found, key=preference, default=None)

    def _blessings(self, which: Filter) -> list[mlmd.Artifact]:
        return list(self._store.get_artifacts((data_verdicts() & which).options()))


def artifacts_of(store: MetadataStore, execution_id: int) -> tuple[Artifacts, Artifacts]:
    """Returns the artifacts that an execution read, and those it made, by key."""
    events = store.get_events_by_execution_ids([execution_id])
    found = store.get_artifacts_by_id(sorted({event.artifact_id for event in events}))
    by_id = {artifact.id: artifact for artifact in found}
    sides: tuple[dict[str, list[mlmd.Artifact]], ...] = ({}, {})
    for event in events:
        if event.path.steps:
            side = sides[event.type in _MADE]
            side.setdefault(event.path.steps[0].key, []).append(by_id[event.artifact_id])
    return sides[0], sides[1]


def load_report(folder: Path, kind: type[R]) -> R | None:
    """Returns the report that a gate wrote into the folder of its blessing; None if it is gone.

    Raises:
        EvergreenError: If it is damaged.
    """
    file = folder / FILE
    return parse_file(file, kind.model_validate_json) if file.is_file() else None
