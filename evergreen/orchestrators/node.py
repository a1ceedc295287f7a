"""Runs one node of a pipeline through TFX's launcher: driver, cache, executor, publisher.

Every orchestrator ends here, so a run leaves the same lineage wherever it runs.
"""

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher
from tfx.proto.orchestration import pipeline_pb2

from evergreen.errors import EvergreenError
from evergreen.lineage.nodes import NodeReader, NodeState, mark_failed


class NodeFailedError(EvergreenError):
    """A node of a pipeline failed; its execution is published as failed, with the error."""


def run_node(ir: pipeline_pb2.Pipeline, node_id: str, connection: mlmd.ConnectionConfig) -> None:
    """Runs a node to its end.

    Args:
        ir: The compiled pipeline, the run's id substituted.
        node_id: The node.
        connection: The ML Metadata store.

    Raises:
        NodeFailedError: If the node failed.
    """
    try:
        _launcher(ir, node_id, connection).launch()
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        _mark_failed(ir, node_id, connection, message)
        raise NodeFailedError(f"{node_id} failed: {message}") from error
    _check(ir, node_id, connection)


def node_ids(ir: pipeline_pb2.Pipeline) -> list[str]:
    """Returns the ids of a pipeline's nodes, upstream before downstream."""
    return [node.pipeline_node.node_info.id for node in ir.nodes]


def run_id(ir: pipeline_pb2.Pipeline) -> str:
    """Returns the id of the pipeline run that an IR is for."""
    return ir.runtime_spec.pipeline_run_id.field_value.string_value


def _launcher(
    ir: pipeline_pb2.Pipeline, node_id: str, connection: mlmd.ConnectionConfig
) -> launcher.Launcher:
    deployment = runner_utils.extract_local_deployment_config(ir)
    [node] = [node.pipeline_node for node in ir.nodes if node.pipeline_node.node_info.id == node_id]
    return launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=metadata.Metadata(connection),
        pipeline_info=ir.pipeline_info,
        pipeline_runtime_spec=ir.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
    )


def _states(
    ir: pipeline_pb2.Pipeline, node_id: str, connection: mlmd.ConnectionConfig
) -> list[NodeState]:
    reader = NodeReader(MetadataStore(connection))
    states = reader.states(ir.pipeline_info.id, run_id(ir))
    return [state for state in states if state.node_id == node_id]


def _mark_failed(
    ir: pipeline_pb2.Pipeline, node_id: str, connection: mlmd.ConnectionConfig, message: str
) -> None:
    store = MetadataStore(connection)
    for state in _states(ir, node_id, connection):
        if not state.succeeded:
            mark_failed(store, state.execution_id, message)


def _check(ir: pipeline_pb2.Pipeline, node_id: str, connection: mlmd.ConnectionConfig) -> None:
    """Reads the state back: the launcher returns normally if inputs cannot be resolved."""
    states = _states(ir, node_id, connection)
    if not states or not states[-1].succeeded:
        message = "its inputs could not be resolved; the log has the reason"
        _mark_failed(ir, node_id, connection, message)
        raise NodeFailedError(f"{node_id} failed: {message}")
