"""The local orchestrator: runs the nodes in this process, concurrently where possible."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_metadata.proto.metadata_store_pb2 import ConnectionConfig
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline


class LocalOrchestrator:
    """Runs the nodes in this process, independent ones concurrently."""

    def run(self, ir: "Pipeline", connection: "ConnectionConfig", at_once: int) -> None:
        """Runs each node after its upstream nodes; starts none after the first failure.

        Uses threads, because processes would have to import TensorFlow and TFX again.
        """
        from evergreen.orchestrators.node import node_ids, run_node

        if at_once == 1:
            for node_id in node_ids(ir):
                run_node(ir, node_id, connection)
            return
        pool = ThreadPoolExecutor(at_once, thread_name_prefix="node")
        try:
            _run_all(ir, lambda node_id: pool.submit(run_node, ir, node_id, connection))
        except Exception:
            pool.shutdown(cancel_futures=True)  # running nodes finish, and are recorded
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait


def _run_all(ir: "Pipeline", start: Callable[[str], Future[None]]) -> None:
    """Starts each node when its upstream nodes have ended."""
    nodes = [node.pipeline_node for node in ir.nodes]
    order = TopologicalSorter({node.node_info.id: node.upstream_nodes for node in nodes})
    order.prepare()
    running: dict[Future[None], str] = {}
    while order.is_active():
        running |= {start(node_id): node_id for node_id in order.get_ready()}
        for ended in wait(running, return_when=FIRST_COMPLETED).done:
            ended.result()
            order.done(running.pop(ended))
