"""A step of the graph as a Beam pipeline."""

from typing import TYPE_CHECKING, Any

import apache_beam as beam
from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig

if TYPE_CHECKING:
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline


class RunNode(beam.DoFn):
    """Runs one node once the signals of all its upstream nodes are there."""

    def __init__(self, ir: "Pipeline", node_id: str, connection: ConnectionConfig) -> None:
        self._ir = ir.SerializeToString()
        self._node_id = node_id
        self._connection = connection.SerializeToString()

    def process(self, element: Any, *upstream: Any) -> None:
        """Runs the node; yields nothing, since its end is the signal."""
        from tfx.proto.orchestration.pipeline_pb2 import Pipeline

        from evergreen.orchestrators.node import run_node

        ir = Pipeline.FromString(self._ir)
        run_node(ir, self._node_id, ConnectionConfig.FromString(self._connection))
