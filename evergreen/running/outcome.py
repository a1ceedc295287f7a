"""What came of a run, read back from ML Metadata."""

import json
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.nodes import NodeReader, NodeState, outputs

Report = dict[str, Any]


class RunReader:
    """Reads the nodes of a pipeline run and the reports of its gates."""

    def __init__(self, store: MetadataStore, pipeline: str, pipeline_run: str) -> None:
        self._store = store
        self.nodes: dict[str, NodeState] = {
            state.node_id: state for state in NodeReader(store).states(pipeline, pipeline_run)
        }

    @property
    def wholly_cached(self) -> bool:
        """Whether every node was served from the cache."""
        return all(node.state == "cached" for node in self.nodes.values())

    def report(self, gate: str) -> Report:
        """Returns the report of a gate: `DataGate` or `ModelGate`."""
        [blessing] = outputs(self._store, self.nodes[gate].execution_id, "blessing")
        report: Report = json.loads(Path(blessing.uri, "report.json").read_text())
        return report

    def pushed(self) -> Path | None:
        """Returns the folder that the model was pushed to, if it was."""
        if "Pusher" not in self.nodes:
            return None
        [artifact] = outputs(self._store, self.nodes["Pusher"].execution_id, "pushed_model")
        properties = artifact.custom_properties
        if not properties["pushed"].int_value:
            return None
        return Path(properties["pushed_destination"].string_value)

    def model_id(self) -> int:
        """Returns the id of the Model artifact that the run trained."""
        return int(self._model().id)

    def model_path(self) -> Path:
        """Returns the folder of the SavedModel that the run trained."""
        return Path(self._model().uri, "Format-Serving")

    def _model(self) -> mlmd.Artifact:
        [model] = outputs(self._store, self.nodes["Trainer"].execution_id, "model")
        return model


def span_report(store: MetadataStore, ingest_key: str) -> Report | None:
    """Returns the newest report of the data gate on a span; None if it never got there."""
    found = store.get_artifacts_by_type("DataBlessing")
    mine = [one for one in found if one.custom_properties["ingest_key"].string_value == ingest_key]
    if not mine:
        return None
    report: Report = json.loads(Path(mine[-1].uri, "report.json").read_text())
    return report
