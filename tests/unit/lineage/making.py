"""Makes what runs leave in ML Metadata, without running anything."""

from datetime import UTC, datetime
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.store import open_store, set_properties
from evergreen.runs.plan import Digests, Request, RunRecord
from evergreen.settings.models import MetadataSettings

PIPELINE, SERIES = "taxi", "taxi/year"
DIGESTS = Digests(
    settings="s", definition="d", use_case="u", platform="p", lock="l", table_schema="t"
)


def make_store(file: Path) -> MetadataStore:
    return open_store(MetadataSettings(sqlite=file))


def make_record(run_id: str, **changes: object) -> RunRecord:
    values: dict[str, object] = {
        "run_id": run_id,
        "run_key": "run",
        "train_key": "train",
        "transform_key": "transform",
        "request": Request(requested_by="somebody", reason="a test"),
        "pipeline": "taxi",
        "model": "taxi",
        "orchestrator": "local",
        "created": datetime.now(UTC),
        "digests": DIGESTS,
        "window": (),
        "to_ingest": (),
        "baseline": None,
        "model_version": 1,
    }
    return RunRecord.model_validate(values | changes)


def put_artifact(
    store: MetadataStore, type_name: str, folder: Path, **properties: str | int
) -> int:
    """Puts a live artifact with a folder of its own below the given one; returns its id."""
    type_id = store.put_artifact_type(mlmd.ArtifactType(name=type_name))
    artifact = mlmd.Artifact(type_id=type_id, state=mlmd.Artifact.LIVE)
    set_properties(artifact, dict(properties))
    [artifact.id] = store.put_artifacts([artifact])
    uri = folder / type_name / str(artifact.id)
    uri.mkdir(parents=True)
    artifact.uri = str(uri)
    store.put_artifacts([artifact])
    attribution = mlmd.Attribution(artifact_id=artifact.id, context_id=pipeline_of(store, PIPELINE))
    store.put_attributions_and_associations([attribution], [])
    return int(artifact.id)


def put_maker(store: MetadataStore, artifact_id: int, **properties: str | int) -> None:
    """Puts the execution that made an artifact."""
    type_id = store.put_execution_type(mlmd.ExecutionType(name="Maker"))
    execution = mlmd.Execution(type_id=type_id, last_known_state=mlmd.Execution.COMPLETE)
    set_properties(execution, dict(properties))
    [execution_id] = store.put_executions([execution])
    output = mlmd.Event(artifact_id=artifact_id, execution_id=execution_id, type=mlmd.Event.OUTPUT)
    store.put_events([output])


def pipeline_of(store: MetadataStore, name: str) -> int:
    """The id of the context of a pipeline, as TFX makes it."""
    known = store.get_context_by_type_and_name("pipeline", name)
    if known is not None:
        return int(known.id)
    type_id = store.put_context_type(mlmd.ContextType(name="pipeline"))
    [context_id] = store.put_contexts([mlmd.Context(type_id=type_id, name=name)])
    return int(context_id)


def put_span(
    store: MetadataStore,
    folder: Path,
    span: int,
    ingest_key: str,
    *,
    blessed: bool = True,
    series: str = SERIES,
) -> tuple[int, int]:
    """Puts an ingested span with the data gate's verdict; returns ids of examples, statistics."""
    examples = put_artifact(store, "Examples", folder)
    statistics = put_artifact(store, "ExampleStatistics", folder)
    put_artifact(
        store,
        "DataBlessing",
        folder,
        blessed=int(blessed),
        span=span,
        ingest_key=ingest_key,
        series=series,
        examples_id=examples,
        statistics_id=statistics,
    )
    return examples, statistics


def folder_of(store: MetadataStore, artifact_id: int) -> Path:
    [artifact] = store.get_artifacts_by_id([artifact_id])
    return Path(artifact.uri)
