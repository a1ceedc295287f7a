"""The Beam orchestrator: runs the graph of nodes as a Beam pipeline with one step per node."""

from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
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


class BeamOrchestrator:
    """Runs the graph as a Beam pipeline in this process, with one step per node."""

    def run(self, ir: "Pipeline", connection: ConnectionConfig, at_once: int) -> None:
        """Runs the nodes in Beam's order: each after its upstream nodes, one at a time."""
        del at_once
        # Named explicitly, because Beam 2.77's DirectRunner may try to download another runner
        # first.
        with beam.Pipeline(runner=FnApiRunner()) as graph:
            start = graph | "Start" >> beam.Create([None])
            done: dict[str, beam.PCollection] = {}
            for node in (node.pipeline_node for node in ir.nodes):
                node_id = node.node_info.id
                upstream = [beam.pvalue.AsIter(done[name]) for name in node.upstream_nodes]
                step = beam.ParDo(RunNode(ir, node_id, connection), *upstream)
                done[node_id] = start | node_id >> step
