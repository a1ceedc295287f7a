"""Makes what runs leave behind, node by node, without running anything."""

import json
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tensorflow_metadata.proto.v0 import anomalies_pb2

from evergreen.lineage.nodes import mark_failed
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import set_properties
from evergreen.runs.plan import Outcome, RunRecord, SpanRef
from tests.unit.lineage.making import PIPELINE, make_record, put_artifact
from tests.unit.reporting.reports import Report, statistics

State = mlmd.Execution.State
TYPES = {
    "examples": "Examples",
    "statistics": "ExampleStatistics",
    "anomalies": "ExampleAnomalies",
    "schema": "Schema",
    "model": "Model",
    "model_run": "ModelRun",
    "pushed_model": "PushedModel",
}
BLESSINGS = {
    "DataGate": "DataBlessing",
    "ModelGate": "ModelBlessing",
    "ServingValidator": "InfraBlessing",
}
HISTORY = {"loss": [0.6, 0.3, 0.2], "val_loss": [0.5, 0.25, 0.26]}


class Story:
    """A run, told as it goes: its nodes, then how it ended."""

    def __init__(
        self, store: MetadataStore, folder: Path, run_id: str = "run-1", **changes: object
    ) -> None:
        self.store, self.folder = store, folder
        self.record: RunRecord = make_record(run_id, **{"window": (span_ref(1),)} | changes)
        RunRecords(store).create(self.record)

    def ends(self, outcome: Outcome | None) -> RunRecord:
        """Ends the run; returns its record."""
        self.record = self.record.ended(outcome) if outcome else self.record
        RunRecords(self.store).update(self.record)
        return self.record

    def ingests(
        self, span: SpanRef, report: Report | None, *names: str, previous: int | None = None
    ) -> int:
        """Ingests a span, up to the data gate if it has a report; returns the statistics' id."""
        part = span.label
        examples = self.node(part, "ExampleGen", {}, "examples")["examples"]
        found = self.node(part, "StatisticsGen", {"examples": examples}, "statistics")["statistics"]
        place = self.place(found) / "Split-train"
        place.mkdir()
        (place / "FeatureStats.pb").write_bytes(statistics(*names).SerializeToString())
        anomalies = self.node(part, "ExampleValidator", {"statistics": found}, "anomalies")
        self._says(self.place(anomalies["anomalies"]), names[0] if names else "fare")
        if report is not None:
            read = {"examples": examples, "statistics": found, **anomalies}
            read |= {"previous_statistics": previous} if previous else {}
            self.gate(part, "DataGate", read, report, span)
        return found

    def trains(self, model_gate: Report | None, serving: Report | None = None) -> None:
        """Trains, up to the gates that have reports; the last one decides on the push."""
        made = self.node("train", "Trainer", {}, "model", "model_run")
        place = self.place(made["model_run"])
        (place / "history.json").write_text(json.dumps(HISTORY))
        metrics = {"train": {"log_loss": 0.18, "auc": 0.96}, "eval": {"log_loss": 0.2, "auc": 0.95}}
        (place / "metrics.json").write_text(json.dumps(metrics))
        read = {"model": made["model"]}
        for gate, report in (("ModelGate", model_gate), ("ServingValidator", serving)):
            if report is not None:
                read = read | {gate: self.gate("train", gate, read, report)}
        if serving is not None:
            self.node("train", "Pusher", read, "pushed_model")

    def fails(self, part: str, node: str, error: str) -> None:
        """A node that fails."""
        self.node(part, node, {}, state=State.RUNNING)
        mark_failed(self.store, self._last, error)

    def gate(
        self,
        part: str,
        gate: str,
        read: dict[str, int],
        report: Report,
        span: SpanRef | None = None,
    ) -> int:
        """A gate with its report; returns the id of the blessing."""
        blessing = put_artifact(self.store, BLESSINGS[gate], self.folder)
        (self.place(blessing) / "report.json").write_text(json.dumps(report))
        if span:
            [artifact] = self.store.get_artifacts_by_id([blessing])
            ids = {f"{key}_id": read[key] for key in ("examples", "statistics")}
            facts = {"span": span.number, "ingest_key": span.ingest_key}
            set_properties(artifact, facts | ids)
            self.store.put_artifacts([artifact])
        self.node(part, gate, read, state=State.COMPLETE, made={"blessing": blessing})
        return blessing

    def node(
        self,
        part: str,
        node: str,
        read: dict[str, int],
        *keys: str,
        state: int = State.COMPLETE,
        made: dict[str, int] | None = None,
    ) -> dict[str, int]:
        """An execution of a node, as TFX's launcher leaves it; returns what it made."""
        made = made or {key: put_artifact(self.store, TYPES[key], self.folder) for key in keys}
        type_id = self.store.put_execution_type(mlmd.ExecutionType(name="some.Executor"))
        self._last, _, _ = self.store.put_execution(
            mlmd.Execution(type_id=type_id, last_known_state=state),
            [],
            [
                self._context("pipeline_run", f"{self.record.run_id}.{part}"),
                self._context("node", f"{PIPELINE}.{node}"),
            ],
            reuse_context_if_already_exist=True,
        )
        for kind, ids in ((mlmd.Event.INPUT, read), (mlmd.Event.OUTPUT, made)):
            for key, artifact_id in ids.items():
                event = mlmd.Event(artifact_id=artifact_id, execution_id=self._last, type=kind)
                event.path.steps.add(key=key)
                self.store.put_events([event])
        return made

    def place(self, artifact_id: int) -> Path:
        """The folder of an artifact."""
        [artifact] = self.store.get_artifacts_by_id([artifact_id])
        return Path(artifact.uri)

    def _context(self, type_name: str, name: str) -> mlmd.Context:
        type_id = self.store.put_context_type(mlmd.ContextType(name=type_name))
        return mlmd.Context(type_id=type_id, name=name)

    def _says(self, folder: Path, feature: str) -> None:
        """TFDV's own words on a feature."""
        said = anomalies_pb2.Anomalies()
        said.anomaly_info[feature].description = f"TFDV on {feature}"
        (folder / "Split-train").mkdir()
        (folder / "Split-train" / "SchemaDiff.pb").write_bytes(said.SerializeToString())


def span_ref(number: int) -> SpanRef:
    return SpanRef(
        number=number, version=1, sha256="5" * 64, path=Path("span"), ingest_key=f"key {number}"
    )
