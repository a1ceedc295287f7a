"""Makes the metadata of many runs, without running anything: one run a day, for years.

Each run ingests one span and trains on a window of the last few, as TFX's launcher and the planner
would have written it: the same types, contexts, events and properties. There are no files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.lineage.store import set_properties
from evergreen.runs.plan import (
    Digests,
    ModelRef,
    Outcome,
    Pins,
    Provenance,
    Request,
    Results,
    RunRecord,
    SpanRef,
)
from evergreen.settings import Settings

START = datetime(2020, 1, 1, tzinfo=UTC)
WINDOW = 4
Node = tuple[str, tuple[str, ...], Mapping[str, str]]
"""Its id; the nodes whose outputs it reads, `window` for the examples; types of its outputs."""

INGEST: Sequence[Node] = (
    ("CuratedSchema", (), {"schema": "Schema"}),
    ("ExampleGen", (), {"examples": "Examples", "rejected": "RejectedRows"}),
    ("StatisticsGen", ("ExampleGen",), {"statistics": "ExampleStatistics"}),
    ("SchemaGen", ("StatisticsGen",), {"schema": "Schema"}),
    ("ExampleValidator", ("StatisticsGen",), {"anomalies": "ExampleAnomalies"}),
    ("DataGate", ("ExampleGen", "StatisticsGen"), {"blessing": "DataBlessing"}),
)
TRAIN: Sequence[Node] = (
    ("CuratedSchema", (), {"schema": "Schema"}),
    (
        "Transform",
        ("window", "CuratedSchema"),
        {
            "transform_graph": "TransformGraph",
            "transformed_examples": "Examples",
            "updated_analyzer_cache": "TransformCache",
            "pre_transform_schema": "Schema",
            "post_transform_schema": "Schema",
            "post_transform_anomalies": "ExampleAnomalies",
        },
    ),
    ("Trainer", ("Transform", "CuratedSchema"), {"model": "Model", "model_run": "ModelRun"}),
    ("Evaluator", ("window", "Trainer"), {"evaluation": "ModelEvaluation"}),
    ("ModelGate", ("window", "Trainer", "Evaluator"), {"blessing": "ModelBlessing"}),
    ("ServingValidator", ("window", "Trainer"), {"blessing": "InfraBlessing"}),
    ("Pusher", ("ModelGate", "ServingValidator"), {"pushed_model": "PushedModel"}),
)
DIGESTS = Digests(
    settings="s" * 64,
    definition="d" * 64,
    use_case="u" * 64,
    platform="p" * 64,
    lock="l" * 64,
    table_schema="t" * 64,
)
METRICS = {"auc": 0.95, "binary_accuracy": 0.9, "log_loss": 0.25, "calibration": 1.01}


def make_history(
    settings: Settings, store: MetadataStore, runs: int, start: datetime = START
) -> list[RunRecord]:
    """Writes the metadata of a model's runs into a store without any of it: 20 artifacts a run.

    Args:
        settings: The project's settings: names, and the places that artifacts would have.
        store: The store.
        runs: How many.
        start: When the first was planned; their ids follow from it.

    Returns:
        The records of the runs, oldest first.
    """
    return list(_History(settings, store).runs(runs, start))


@dataclass(frozen=True)
class _Types:
    contexts: Mapping[str, int]
    executions: Mapping[str, int]
    artifacts: Mapping[str, int]

    @classmethod
    def put(cls, store: MetadataStore) -> "_Types":
        nodes = [*INGEST, *TRAIN]
        artifacts = sorted({kind for _, _, made in nodes for kind in made.values()})
        return cls(
            {
                name: store.put_context_type(mlmd.ContextType(name=name))
                for name in ("pipeline", "pipeline_run", "node")
            },
            {
                node: store.put_execution_type(mlmd.ExecutionType(name=f"made.{node}"))
                for node in sorted({name for name, _, _ in nodes})
            },
            {kind: store.put_artifact_type(mlmd.ArtifactType(name=kind)) for kind in artifacts},
        )


class _History:
    def __init__(self, settings: Settings, store: MetadataStore) -> None:
        self._settings, self._store = settings, store
        self._records = RunRecords(store)
        self._registry = Registry(store, settings.model.name)
        self._types = _Types.put(store)
        self._contexts: dict[tuple[str, str], int] = {}
        self._spans: list[tuple[SpanRef, int]] = []

    def runs(self, number: int, start: datetime) -> Iterator[RunRecord]:
        baseline: ModelRef | None = None
        for index in range(number):
            created = start + timedelta(days=index)
            record = self._record(index, created, baseline)
            examples = self._part(record, record.to_ingest[0].label, INGEST, [])["ExampleGen"][0]
            self._spans.append((record.to_ingest[0], examples))
            record = record.with_pins(Pins(examples=tuple(i for _, i in self._spans[-WINDOW:])))
            made = self._part(record, "train", TRAIN, list(record.pins.examples))
            record = self._ended(record, index)
            self._records.create(record)
            if record.outcome is Outcome.PUSHED:
                baseline = ModelRef(version=index + 1, artifact_id=made["Trainer"][0])
                self._register(record, baseline)
            yield record

    def _record(self, index: int, created: datetime, baseline: ModelRef | None) -> RunRecord:
        span = SpanRef(
            number=index + 1,
            version=1,
            sha256=f"{index:064x}",
            path=self._settings.data.span_root / f"{index + 1:05d}",
            ingest_key=f"{index:064x}",
        )
        window = [*(ref for ref, _ in self._spans[1 - WINDOW :]), span]
        return RunRecord(
            run_id=f"{created:%Y%m%d-%H%M%S}-{index:06x}",
            run_key=f"{index:064x}",
            train_key=f"{index:064x}",
            transform_key=f"{index:064x}",
            request=Request(requested_by="schedule", reason="new data"),
            pipeline=self._settings.pipeline.name,
            model=self._settings.model.name,
            orchestrator="local",
            created=created,
            digests=DIGESTS,
            provenance=Provenance(commit="c" * 40, host="here"),
            window=tuple(window),
            to_ingest=(span,),
            baseline=baseline,
            model_version=self._registry.take_version(f"{index:064x}"),
        )

    def _ended(self, record: RunRecord, index: int) -> RunRecord:
        outcome = Outcome.MODEL_REFUSED if index % 5 == 4 else Outcome.PUSHED  # noqa: PLR2004
        results = Results(metrics=dict.fromkeys(("train", "eval", "test"), METRICS))
        ended = record.ended(outcome, results)
        return ended.model_copy(update={"finished": record.created + timedelta(minutes=2)})

    def _register(self, record: RunRecord, model: ModelRef) -> None:
        place = self._settings.serving.base_path / str(model.version)
        self._registry.register(
            model, "schedule", "new data", {"run": record.run_id, "path": str(place)}, Stage.CANARY
        )

    def _part(
        self, record: RunRecord, part: str, nodes: Sequence[Node], window: list[int]
    ) -> dict[str, list[int]]:
        """Writes one pipeline run; returns the ids of what each node made."""
        made: dict[str, list[int]] = {"window": window}
        ids = self._put_executions(nodes)
        for (node, upstream, outputs), execution in zip(nodes, ids, strict=True):
            made[node] = self._put_artifacts(record, part, node, outputs, execution)
            read = [artifact for name in upstream for artifact in made[name]]
            self._put_events(execution, read, list(outputs), made[node])
            contexts = [
                self._context("pipeline", record.pipeline),
                self._context("pipeline_run", f"{record.run_id}.{part}"),
                self._context("node", f"{record.pipeline}.{node}"),
            ]
            self._store.put_attributions_and_associations(
                [
                    mlmd.Attribution(artifact_id=i, context_id=c)
                    for i in made[node]
                    for c in contexts
                ],
                [mlmd.Association(execution_id=execution, context_id=c) for c in contexts],
            )
        return made

    def _put_executions(self, nodes: Sequence[Node]) -> list[int]:
        executions = []
        for name, _, _ in nodes:
            type_id = self._types.executions[name]
            execution = mlmd.Execution(type_id=type_id, last_known_state=mlmd.Execution.COMPLETE)
            set_properties(
                execution, {"host": "here", "executor": f"made.{name}", "peak_memory": 900}
            )
            executions.append(execution)
        return [int(id_) for id_ in self._store.put_executions(executions)]

    def _put_artifacts(
        self, record: RunRecord, part: str, node: str, outputs: Mapping[str, str], execution: int
    ) -> list[int]:
        root = self._settings.pipeline.root
        artifacts = []
        for key, kind in outputs.items():
            artifact = mlmd.Artifact(
                type_id=self._types.artifacts[kind],
                uri=str(root / node / key / str(execution)),
                state=mlmd.Artifact.LIVE,
                name=f"{record.run_id}.{part}:{node}:{key}:0",
            )
            if kind == "DataBlessing":
                span = record.to_ingest[0]
                set_properties(artifact, {"span": span.number, "ingest_key": span.ingest_key})
            artifacts.append(artifact)
        return [int(id_) for id_ in self._store.put_artifacts(artifacts)]

    def _put_events(
        self, execution: int, read: list[int], keys: list[str], made: list[int]
    ) -> None:
        events = []
        numbers = count()
        for kind, key, artifact in [
            *((mlmd.Event.INPUT, f"input_{next(numbers)}", artifact) for artifact in read),
            *((mlmd.Event.OUTPUT, key, artifact) for key, artifact in zip(keys, made, strict=True)),
        ]:
            event = mlmd.Event(artifact_id=artifact, execution_id=execution, type=kind)
            event.path.steps.add(key=key)
            event.path.steps.add(index=0)
            events.append(event)
        self._store.put_events(events)

    def _context(self, kind: str, name: str) -> int:
        if (kind, name) not in self._contexts:
            context = mlmd.Context(type_id=self._types.contexts[kind], name=name)
            [self._contexts[kind, name]] = self._store.put_contexts([context])
        return self._contexts[kind, name]
