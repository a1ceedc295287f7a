"""Every orchestrator handles nodes that are cached, fail, or lack an input in the same way."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evergreen.lineage.nodes import NodeReader, NodeState
from evergreen.lineage.store import connection_config, open_store
from evergreen.planning.identity import take_digests
from evergreen.running.compilation import compile_plan
from evergreen.running.orchestrator import installed, is_remote, load
from evergreen.runs.plan import Pins, Plan, TrainPlan
from evergreen.settings import load_settings
from tests.project import ROOT

Launch = Callable[..., dict[str, NodeState]]


@pytest.fixture(params=[name for name in installed() if not is_remote(load(name))])
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Launch:
    """Runs the tiny pipeline on an orchestrator; returns its nodes' states whatever happens."""
    (tmp_path / "helper.py").write_text("FACTOR = 1\n")
    numbers = itertools.count()

    def run(
        text: str = "hello",
        pinned: tuple[int, ...] = (),
        fails: bool = False,
        definition: str = "tests.integration.tiny",
    ) -> dict:
        settings = load_settings(
            ROOT,
            overrides=[
                f"pipeline.factory={definition}:create_pipeline",
                f"pipeline.root={tmp_path}/pipeline",
                f"pipeline.use_case=[{tmp_path}/helper.py]",
                f"metadata.sqlite={tmp_path}/metadata.sqlite",
                f"model.hyperparameters.text={text}",
            ],
        )
        plan = Plan(
            pipeline_run=f"run-{next(numbers)}",
            title="tiny",
            cache=True,
            digests=take_digests(settings),
            train=TrainPlan(
                train_key="key", pins=Pins(examples=pinned), baseline=None, model_version=None
            ),
        )
        store = open_store(settings.metadata)
        ir = compile_plan(settings, plan)
        orchestrator = load(request.param)()
        if fails:
            with pytest.raises(Exception, match="failed"):
                orchestrator.run(ir, connection_config(settings.metadata), at_once=2)
        else:
            orchestrator.run(ir, connection_config(settings.metadata), at_once=2)
        states = NodeReader(store).states("tiny", plan.pipeline_run)
        return {state.node_id: state for state in states}

    return run


def test_equal_executions_come_from_the_cache(launch: Launch) -> None:
    assert {state.state for state in launch().values()} == {"complete"}
    assert {state.state for state in launch().values()} == {"cached"}


def test_a_changed_helper_is_not_a_cache_hit(launch: Launch, tmp_path: Path) -> None:
    launch()
    (tmp_path / "helper.py").write_text("FACTOR = 2\n")
    assert {state.state for state in launch().values()} == {"complete"}


def test_a_changed_helper_of_a_node_of_ones_own_is_not_a_cache_hit(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("own_nodes", "own_helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    text = (ROOT / "tests/integration/tiny.py").read_text()
    (tmp_path / "own_nodes.py").write_text(f"{text}\nimport own_helper\n")
    (tmp_path / "own_helper.py").write_text("FACTOR = 1\n")
    launch(definition="own_nodes")
    assert {state.state for state in launch(definition="own_nodes").values()} == {"cached"}
    (tmp_path / "own_helper.py").write_text("FACTOR = 2\n")
    assert {state.state for state in launch(definition="own_nodes").values()} == {"complete"}


def test_a_failed_node_is_published_with_its_error_and_ends_the_run(launch: Launch) -> None:
    states = launch("fail", fails=True)
    assert list(states) == ["Write"]
    assert states["Write"].state == "failed"
    assert "ValueError: the text says so" in states["Write"].error


def test_an_input_that_is_not_there_is_a_failure(launch: Launch) -> None:
    launch()
    states = launch(pinned=(999_999,), fails=True)
    assert states["Read"].state == "failed"
    assert "inputs" in states["Read"].error
