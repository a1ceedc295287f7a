"""Monitoring results in ML Metadata: an artifact each, attributed to the model that served."""

from collections.abc import Iterator
from pathlib import Path

from ml_metadata.metadata_store import ListOptions, MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.store import set_properties
from evergreen.monitoring.findings import MonitoringResult

TYPE = "MonitoringResult"


def publish(store: MetadataStore, result: MonitoringResult, folder: Path) -> int:
    """Writes down a result, whole or not at all; returns the id of its artifact.

    Args:
        store: ML Metadata.
        result: What was found.
        folder: What else was written of it: the statistics, the page.
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
    return int(store.put_artifacts([artifact])[0])


def results(
    store: MetadataStore, model: str, after: int = 0
) -> Iterator[tuple[int, MonitoringResult]]:
    """Gives results with the ids of their artifacts, oldest first.

    Args:
        store: ML Metadata.
        model: The model's name.
        after: Only those with a larger id.
    """
    query = f"type = '{TYPE}' AND id > {after} AND custom_properties.model.string_value = '{model}'"
    for artifact in sorted(
        store.get_artifacts(ListOptions(filter_query=query)), key=lambda one: int(one.id)
    ):
        text = artifact.custom_properties["result"].string_value
        yield int(artifact.id), MonitoringResult.model_validate_json(text)
