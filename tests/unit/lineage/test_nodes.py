"""States of the nodes of a pipeline run."""

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.nodes import NodeReader, cancel_active, executions, mark_failed, outputs

State = mlmd.Execution.State


def run_nodes(store: MetadataStore, pipeline_run: str, **states: int) -> dict[str, int]:
    """Puts an execution a node, as TFX's launcher does; returns their ids."""
    type_id = store.put_execution_type(mlmd.ExecutionType(name="some.Executor"))
    run_type = store.put_context_type(mlmd.ContextType(name="pipeline_run"))
    node_type = store.put_context_type(mlmd.ContextType(name="node"))
    ids = {}
    for node, state in states.items():
        ids[node], _, _ = store.put_execution(
            mlmd.Execution(type_id=type_id, last_known_state=state),
            [],
            [
                mlmd.Context(type_id=run_type, name=pipeline_run),
                mlmd.Context(type_id=node_type, name=f"taxi.{node}"),
            ],
            reuse_context_if_already_exist=True,
        )
    return ids


def states(store: MetadataStore, pipeline_run: str) -> dict[str, str]:
    return {node.node_id: node.state for node in NodeReader(store).states("taxi", pipeline_run)}


def test_nodes_have_the_states_of_their_executions(store: MetadataStore) -> None:
    run_nodes(store, "run", Trainer=State.COMPLETE, Transform=State.CACHED, Pusher=State.RUNNING)
    nodes = NodeReader(store).states("taxi", "run")
    assert [(node.node_id, node.state, node.succeeded) for node in nodes] == [
        ("Trainer", "complete", True),
        ("Transform", "cached", True),
        ("Pusher", "running", False),
    ]
    assert states(store, "another run") == {}


def test_a_failed_node_says_why(store: MetadataStore) -> None:
    ids = run_nodes(store, "run", Trainer=State.RUNNING, Pusher=State.RUNNING)
    mark_failed(store, ids["Trainer"], "OutOfMemory: 9 GB")
    trainer, pusher = NodeReader(store).states("taxi", "run")
    assert (trainer.state, trainer.error) == ("failed", "OutOfMemory: 9 GB")
    assert (pusher.state, pusher.error) == ("running", "")


def test_only_active_executions_of_the_named_runs_are_canceled(store: MetadataStore) -> None:
    ended = {"A": State.COMPLETE, "B": State.CACHED, "C": State.FAILED, "D": State.CANCELED}
    run_nodes(store, "one", **ended, E=State.RUNNING)
    run_nodes(store, "two", F=State.NEW)
    run_nodes(store, "not named", G=State.RUNNING)
    assert cancel_active(store, ["one", "two", "never started"]) == 2
    assert states(store, "one") == {
        "A": "complete",
        "B": "cached",
        "C": "failed",
        "D": "canceled",
        "E": "canceled",
    }
    assert states(store, "two") == {"F": "canceled"}
    assert states(store, "not named") == {"G": "running"}
    assert cancel_active(store, ["one", "two"]) == 0


def test_the_outputs_of_a_key_are_found(store: MetadataStore) -> None:
    type_id = store.put_artifact_type(mlmd.ArtifactType(name="Model"))
    model, log, read = store.put_artifacts([mlmd.Artifact(type_id=type_id) for _ in range(3)])
    execution_id = run_nodes(store, "run", Trainer=State.COMPLETE)["Trainer"]
    events = [
        (model, mlmd.Event.OUTPUT, "model"),
        (log, mlmd.Event.OUTPUT, "model_run"),
        (read, mlmd.Event.INPUT, "model"),
    ]
    for artifact_id, kind, key in events:
        event = mlmd.Event(artifact_id=artifact_id, execution_id=execution_id, type=kind)
        event.path.steps.add(key=key)
        store.put_events([event])
    assert [artifact.id for artifact in outputs(store, execution_id, "model")] == [model]
    assert outputs(store, execution_id, "other") == []
    assert [execution.id for execution in executions(store, "run")] == [execution_id]
