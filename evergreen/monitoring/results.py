"""Monitoring results in ML Metadata: one artifact each, attributed to the serving model."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.filters import Filter
from evergreen.lineage.registry import VERSION_TYPE, Registry
from evergreen.lineage.store import set_properties
from evergreen.monitoring.findings import MonitoringResult
from evergreen.settings import Settings

TYPE = "MonitoringResult"
EXECUTION = "evergreen.monitor"
PAGE = "index.html"


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
    models = {one.model.version: one.model.artifact_id for one in events}
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
    for artifact in sorted(store.get_artifacts(wanted.options()), key=lambda one: int(one.id)):
        text = artifact.custom_properties["result"].string_value
        yield int(artifact.id), MonitoringResult.model_validate_json(text)
