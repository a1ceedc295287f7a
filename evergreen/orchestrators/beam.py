"""The Beam orchestrator: runs the graph of nodes as a Beam pipeline with one step per node."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline


class BeamOrchestrator:
    """Runs the graph as a Beam pipeline in this process, with one step per node."""

    def run(self, ir: "Pipeline", connection: "ConnectionConfig", at_once: int) -> None:
        """Runs the nodes in Beam's order: each after its upstream nodes, one at a time."""
        del at_once
        import apache_beam as beam
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        from evergreen.orchestrators.beam_step import RunNode

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
