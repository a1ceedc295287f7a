"""Nodes that do not need each other run at the same time, and leave what one by one they leave."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.nodes import NodeReader
from evergreen.lineage.store import connection_config, open_store
from evergreen.orchestrators.local import LocalOrchestrator
from evergreen.orchestrators.node import NodeFailedError
from evergreen.planning.identity import take_digests
from evergreen.running.compilation import compile_plan
from evergreen.runs.plan import Pins, Plan, TrainPlan
from evergreen.settings import load_settings
from tests.project import ROOT, edges


@dataclass(frozen=True)
class World:
    """An empty metadata store."""

    folder: Path

    @property
    def store(self) -> MetadataStore:
        return open_store(self.settings().metadata)

    def settings(self, left: str = "left", meet: int = 0):
        return load_settings(
            ROOT,
            overrides=[
                "pipeline.factory=tests.integration.tiny:create_pair",
                f"pipeline.root={self.folder}/pipeline",
                f"metadata.sqlite={self.folder}/metadata.sqlite",
                f"model.hyperparameters.left={left}",
                f"model.hyperparameters.meet={meet}",
            ],
        )

    def run(self, name: str, at_once: int, **asked: str | int) -> None:
        settings = self.settings(**asked)
        train = TrainPlan(
            train_key="key", pins=Pins(examples=()), baseline=None, model_version=None
        )
        digests = take_digests(settings)
        plan = Plan(pipeline_run=name, title="pair", cache=False, digests=digests, train=train)
        ir = compile_plan(settings, plan)
        LocalOrchestrator().run(ir, connection_config(settings.metadata), at_once)

    def states(self, name: str) -> dict[str, str]:
        states = NodeReader(self.store).states("tiny", name)
        return {state.node_id: state.state for state in states}


def test_nodes_that_wait_for_each_other_come_to_their_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("both", at_once=2, meet=1)
    assert set(world.states("both").values()) == {"complete"}
    assert len(world.states("both")) == 5


def test_the_lineage_is_that_of_one_node_after_the_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("one by one", at_once=1)
    for number in range(5):
        world.run(f"at once {number}", at_once=4)
        assert edges(world.store, f"at once {number}") == edges(world.store, "one by one")


def test_a_failure_lets_what_runs_end_and_starts_nothing_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(NodeFailedError, match="the name says so"):
        world.run("broken", at_once=2, left="fail", meet=1)
    states = world.states("broken")
    assert (states["fail"], states["right"]) == ("failed", "complete")
    assert "after_fail" not in states
