"""The local orchestrator: one node after the other, in this process."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline


class LocalOrchestrator:
    """One node after the other, in this process."""

    def run(self, ir: "Pipeline", connection: "ConnectionConfig") -> None:
        """Runs the nodes in topological order; stops at the first that fails."""
        from evergreen.orchestrators.node import node_ids, run_node

        for node_id in node_ids(ir):
            run_node(ir, node_id, connection)
