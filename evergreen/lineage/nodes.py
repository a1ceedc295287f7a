"""States of the nodes of pipeline runs, read from their executions in ML Metadata."""

from collections.abc import Iterable
from dataclasses import dataclass

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

State = mlmd.Execution.State
ACTIVE = (State.NEW, State.RUNNING)
RESULTS = ("error", "__execution_result__")
"""Properties that say how a try ended: ours, and TFX's."""


@dataclass(frozen=True)
class NodeState:
    """One execution of a node.

    Attributes:
        node_id: The node's id in the pipeline.
        execution_id: The execution's id in ML Metadata.
        state: `complete`, `cached`, `running`, `failed`, `canceled`, ...
        started: When the execution was registered, in seconds since 1970.
        updated: When its state last changed, in seconds since 1970.
        error: Why it failed; empty otherwise.
    """

    node_id: str
    execution_id: int
    state: str
    started: float
    updated: float
    error: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the node's outputs are there."""
        return self.state in ("complete", "cached")

    @property
    def seconds(self) -> float:
        """How long the node took so far."""
        return self.updated - self.started


class NodeReader:
    """Reads the node states of pipeline runs, remembering which execution is of which node."""

    def __init__(self, store: MetadataStore) -> None:
        self._store = store
        self._node_ids: dict[int, str] = {}

    def states(self, pipeline: str, pipeline_run: str) -> list[NodeState]:
        """Returns the states of a pipeline run's nodes, oldest first; empty if none started."""
        found = executions(self._store, pipeline_run)
        return [self._state(pipeline, execution) for execution in found]

    def _state(self, pipeline: str, execution: mlmd.Execution) -> NodeState:
        if execution.id not in self._node_ids:
            self._node_ids[execution.id] = self._node_id(pipeline, execution.id)
        return NodeState(
            node_id=self._node_ids[execution.id],
            execution_id=execution.id,
            state=State.Name(execution.last_known_state).lower(),
            started=execution.create_time_since_epoch / 1000,
            updated=execution.last_update_time_since_epoch / 1000,
            error=execution.custom_properties["error"].string_value,
        )

    def _node_id(self, pipeline: str, execution_id: int) -> str:
        contexts = self._store.get_contexts_by_execution(execution_id)
        names = (context.name for context in contexts if context.type == "node")
        return next(names).removeprefix(f"{pipeline}.")


def executions(store: MetadataStore, pipeline_run: str) -> list[mlmd.Execution]:
    """Returns the executions of a pipeline run, oldest first."""
    context = store.get_context_by_type_and_name("pipeline_run", pipeline_run)
    found = store.get_executions_by_context(context.id) if context else []
    return sorted(found, key=lambda execution: int(execution.id))


def outputs(store: MetadataStore, execution_id: int, key: str) -> list[mlmd.Artifact]:
    """Returns the artifacts that an execution put out under a key."""
    events = store.get_events_by_execution_ids([execution_id])
    kinds = (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)
    ids = [
        event.artifact_id
        for event in events
        if event.type in kinds and event.path.steps and event.path.steps[0].key == key
    ]
    return list(store.get_artifacts_by_id(ids)) if ids else []


def mark_failed(store: MetadataStore, execution_id: int, error: str) -> None:
    """Writes down why an execution failed, and that it did."""
    [execution] = store.get_executions_by_id([execution_id])
    execution.custom_properties["error"].string_value = error
    execution.last_known_state = State.FAILED
    store.put_executions([execution])


def mark_running(store: MetadataStore, execution_id: int) -> None:
    """Makes an execution as it was when it was registered: it is tried again."""
    [execution] = store.get_executions_by_id([execution_id])
    for key in RESULTS:
        execution.custom_properties.pop(key, None)
    execution.last_known_state = State.RUNNING
    store.put_executions([execution])


def mark_canceled(store: MetadataStore, execution_id: int) -> None:
    """Says of an execution that nobody works on it any more."""
    [execution] = store.get_executions_by_id([execution_id])
    execution.last_known_state = State.CANCELED
    store.put_executions([execution])


def cancel_active(store: MetadataStore, pipeline_runs: Iterable[str]) -> int:
    """Marks executions that nobody works on any more as canceled; returns how many."""
    active = [
        execution
        for pipeline_run in pipeline_runs
        for execution in executions(store, pipeline_run)
        if execution.last_known_state in ACTIVE
    ]
    for execution in active:
        execution.last_known_state = State.CANCELED
    if active:
        store.put_executions(active)
    return len(active)
