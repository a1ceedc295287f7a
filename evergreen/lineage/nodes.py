"""States of the nodes of pipeline runs, read from their executions in ML Metadata."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.store import set_properties

State = mlmd.Execution.State
ACTIVE = (State.NEW, State.RUNNING)
MEASURED = ("started", "ended", "executor", "host", "peak_memory")
COMPUTED = "computed"
"""The property that says how Beam computed: in how many processes, and why."""
RESULTS = ("error", COMPUTED, *MEASURED, "__execution_result__")
"""Properties that say how an attempt ended: Evergreen's and TFX's."""


@dataclass(frozen=True)
class NodeState:
    """One execution of a node.

    Attributes:
        node_id: The node's id in the pipeline.
        execution_id: The execution's id in ML Metadata.
        state: `complete`, `cached`, `running`, `failed`, `canceled`, ...
        started: When its last attempt began, in seconds since 1970.
        updated: When its state last changed, in seconds since 1970.
        error: Why it failed; empty otherwise.
        executor: The class that did the work; empty until it has ended.
        host: The machine it ran on; empty until it has ended.
        peak_memory: Peak resident memory of its process, in MiB; 0 if unknown.
        computed: How Beam computed and why; empty for a node that does not use Beam.
    """

    node_id: str
    execution_id: int
    state: str
    started: float
    updated: float
    error: str = ""
    executor: str = ""
    host: str = ""
    peak_memory: int = 0
    computed: str = ""

    @classmethod
    def of(cls, node_id: str, execution: mlmd.Execution) -> Self:
        """Reads a node's state from its execution."""
        own = execution.custom_properties
        started = own["started"].double_value or execution.create_time_since_epoch / 1000
        ended = own["ended"].double_value or execution.last_update_time_since_epoch / 1000
        return cls(
            node_id=node_id,
            execution_id=int(execution.id),
            state=State.Name(execution.last_known_state).lower(),
            started=started,
            updated=max(started, ended),
            error=own["error"].string_value,
            executor=own["executor"].string_value,
            host=own["host"].string_value,
            peak_memory=int(own["peak_memory"].int_value),
            computed=own[COMPUTED].string_value,
        )

    @property
    def succeeded(self) -> bool:
        """Returns whether the node's outputs exist."""
        return self.state in ("complete", "cached")

    @property
    def seconds(self) -> float:
        """Returns the seconds that the node has taken so far."""
        return self.updated - self.started


class NodeReader:
    """Reads the node states of pipeline runs, and remembers the node of each execution."""

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
        return NodeState.of(self._node_ids[execution.id], execution)

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
    """Returns the artifacts that an execution made under a key."""
    events = store.get_events_by_execution_ids([execution_id])
    kinds = (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)
    ids = [
        event.artifact_id
        for event in events
        if event.type in kinds and event.path.steps and event.path.steps[0].key == key
    ]
    return list(store.get_artifacts_by_id(ids)) if ids else []


def mark_failed(store: MetadataStore, execution_id: int, error: str) -> None:
    """Marks an execution as failed, with the error."""
    [execution] = store.get_executions_by_id([execution_id])
    execution.custom_properties["error"].string_value = error
    execution.last_known_state = State.FAILED
    store.put_executions([execution])


def mark_running(store: MetadataStore, execution_id: int) -> None:
    """Resets an execution to its state at registration, for another attempt from now on."""
    [execution] = store.get_executions_by_id([execution_id])
    for key in RESULTS:
        execution.custom_properties.pop(key, None)
    execution.custom_properties["started"].double_value = time.time()
    execution.last_known_state = State.RUNNING
    store.put_executions([execution])


def mark_measured(
    store: MetadataStore, execution_ids: Sequence[int], measured: Mapping[str, str | int | float]
) -> None:
    """Records the measurements of an attempt, by the names in `MEASURED`."""
    if found := store.get_executions_by_id(execution_ids):
        for execution in found:
            set_properties(execution, measured)
        store.put_executions(found)


def mark_canceled(store: MetadataStore, execution_id: int) -> None:
    """Marks an execution as canceled because no process works on it."""
    [execution] = store.get_executions_by_id([execution_id])
    execution.last_known_state = State.CANCELED
    store.put_executions([execution])


def cancel_active(store: MetadataStore, pipeline_runs: Iterable[str]) -> int:
    """Marks active executions of dead runs as canceled; returns how many."""
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
