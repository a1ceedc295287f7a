"""Runs one node of a pipeline through TFX's launcher: driver, cache, executor, publisher.

Every orchestrator runs nodes by this module, so all runs leave the same lineage.
"""

import logging

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, outputs_utils
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2
from tfx.types import Artifact

from evergreen.errors import EvergreenError
from evergreen.failures import describe
from evergreen.lineage.nodes import (
    NodeReader,
    NodeState,
    mark_canceled,
    mark_failed,
    mark_measured,
    mark_running,
)
from evergreen.lineage.store import open_connection
from evergreen.orchestrators.beam_operator import ChoosingBeamOperator
from evergreen.orchestrators.usage import Measuring
from evergreen.running.compilation import executor_class

log = logging.getLogger(__name__)


class NodeFailedError(EvergreenError):
    """Raised when a node failed; its execution is published as failed, with the error."""


class _Handle(metadata.Metadata):
    """TFX's access to ML Metadata, on a store that survives deadlocks and lost connections."""

    def __init__(self, connection: mlmd.ConnectionConfig, store: MetadataStore) -> None:
        super().__init__(connection)
        self._store = store

    def __enter__(self) -> "_Handle":
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the connection open: the store is shared."""


def run_node(ir: pipeline_pb2.Pipeline, node_id: str, connection: mlmd.ConnectionConfig) -> None:
    """Runs a node to its end.

    A node that was killed or failed earlier in the same run is run as if for the first time: its
    execution is reused, and leftovers in its outputs' folders are removed.

    Args:
        ir: The compiled pipeline, with the run's id.
        node_id: The node.
        connection: The ML Metadata store, as in `connection_config`.

    Raises:
        NodeFailedError: If the node failed.
    """
    node = _Node(ir, node_id, connection)
    if node.succeeded:
        return
    node.clear()
    measuring = Measuring(node.executor)
    problem: Exception | str = "its inputs could not be resolved; the log has the reason"
    try:
        node.launch()
    except Exception as error:
        problem = error
    node.mark_measured(measuring.taken())
    # The state decides: the launcher returns normally if inputs cannot be resolved, and raises if
    # the answer to its last write is lost.
    if not node.succeeded:
        message = problem if isinstance(problem, str) else describe(problem)
        node.mark_failed(message)
        cause = problem if isinstance(problem, Exception) else None
        log.error("%s failed: %s", node_id, message, exc_info=cause)
        raise NodeFailedError(f"{node_id} failed: {message}") from cause


def node_ids(ir: pipeline_pb2.Pipeline) -> list[str]:
    """Returns the ids of a pipeline's nodes, upstream before downstream."""
    return [node.pipeline_node.node_info.id for node in ir.nodes]


def run_id(ir: pipeline_pb2.Pipeline) -> str:
    """Returns the id of the pipeline run in an IR."""
    return ir.runtime_spec.pipeline_run_id.field_value.string_value


class _Node:
    """One node of one run."""

    def __init__(
        self, ir: pipeline_pb2.Pipeline, node_id: str, connection: mlmd.ConnectionConfig
    ) -> None:
        self._ir = ir
        self._id = node_id
        self._store = open_connection(connection)
        self._handle = _Handle(connection, self._store)
        self._deployment = runner_utils.extract_local_deployment_config(ir)
        self._executor = runner_utils.extract_executor_spec(self._deployment, node_id)
        [self._node] = [
            node.pipeline_node for node in ir.nodes if node.pipeline_node.node_info.id == node_id
        ]

    @property
    def executor(self) -> str:
        """The class that does the node's work; the type of the node if there is none."""
        return executor_class(self._executor) or str(self._node.node_info.type.name)

    @property
    def succeeded(self) -> bool:
        """Whether its last execution has succeeded."""
        return bool(states := self._states()) and states[-1].succeeded

    def launch(self) -> None:
        """Runs driver, cache, executor and publisher."""
        launcher.Launcher(
            pipeline_node=self._node,
            mlmd_connection=self._handle,
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=self._executor,
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, self._id),
            custom_executor_operators={
                executable_spec_pb2.BeamExecutableSpec: ChoosingBeamOperator
            },
        ).launch()

    def clear(self) -> None:
        """Removes the leftovers of a failed attempt."""
        for state in self._states():
            if self._executor is None:  # a resolver always registers a new execution
                mark_canceled(self._store, state.execution_id)
            else:
                mark_running(self._store, state.execution_id)
                outputs_utils.remove_output_dirs(self._left(state.execution_id))

    def _left(self, execution_id: int) -> dict[str, list[Artifact]]:
        outputs = outputs_utils.OutputsResolver(
            self._node, self._ir.pipeline_info, self._ir.runtime_spec
        ).generate_output_artifacts(execution_id)
        return {
            key: [artifact for artifact in of if fileio.exists(artifact.uri)]
            for key, of in outputs.items()
        }

    def mark_measured(self, measured: dict[str, str | int | float]) -> None:
        """Records its measurements."""
        mark_measured(self._store, [state.execution_id for state in self._states()], measured)

    def mark_failed(self, message: str) -> None:
        """Records its error."""
        for state in self._states():
            if not state.succeeded:
                mark_failed(self._store, state.execution_id, message)

    def _states(self) -> list[NodeState]:
        states = NodeReader(self._store).states(self._ir.pipeline_info.id, run_id(self._ir))
        return [state for state in states if state.node_id == self._id]
