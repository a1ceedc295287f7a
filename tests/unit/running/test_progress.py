"""Nodes are shown while a run goes on."""

import io
from pathlib import Path
from threading import Event

from ml_metadata.proto import metadata_store_pb2 as mlmd
from rich.console import Console

from evergreen.lineage.nodes import mark_failed, mark_running
from evergreen.lineage.store import connection_config
from evergreen.running.progress import LiveView
from tests.unit.lineage.worlds import World


class Told(io.StringIO):
    """What was printed, and whether the first node was."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "Transform" in text:
            self.has_begun.set()
        return written


def test_a_node_that_failed_before_is_told_as_what_it_comes_to_now(tmp_path: Path) -> None:
    world = World.make(tmp_path, 1)
    record = world.records[0]
    nodes = {view.node.node_id: view.node.execution_id for view in world.lineage.run("").nodes}
    mark_failed(world.store, nodes["Trainer"], "the disk is full")
    told, run = Told(), {record.pipeline_run("train"): ""}
    connection = connection_config(world.settings.metadata)
    with LiveView(Console(file=told, width=100), connection, record.pipeline, run):
        assert told.has_begun.wait(60)
        mark_running(world.store, nodes["Trainer"])
        [trainer] = world.store.get_executions_by_id([nodes["Trainer"]])
        trainer.last_known_state = mlmd.Execution.COMPLETE
        world.store.put_executions([trainer])
    assert "✗ Trainer" not in told.getvalue()
    assert told.getvalue().count("✓ Trainer") == 1
