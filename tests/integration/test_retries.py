"""A node that is run again, or whose database goes away, leaves what one run of it leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.nodes import NodeReader, NodeState, outputs
from evergreen.lineage.store import connection_config, open_store
from evergreen.orchestrators.local import LocalOrchestrator
from evergreen.orchestrators.node import NodeFailedError
from evergreen.planning.identity import take_digests
from evergreen.running.compilation import compile_plan
from evergreen.runs.plan import Pins, Plan, TrainPlan
from evergreen.settings import load_settings
from tests.integration import tiny
from tests.mariadb import MariaDb, overrides
from tests.project import ROOT


class Tiny:
    """The tiny pipeline on a database; every call runs the same plan."""

    def __init__(self, folder: Path, place: list[str]) -> None:
        settings = load_settings(
            ROOT,
            overrides=[
                "pipeline.factory=tests.integration.tiny:create_pipeline",
                f"pipeline.root={folder}/pipeline",
                "pipeline.use_case=[tests/integration/tiny.py]",
                "model.hyperparameters.text=hello",
                *place,
            ],
        )
        train = TrainPlan(
            train_key="key", pins=Pins(examples=()), baseline=None, model_version=None
        )
        self._plan = Plan(
            pipeline_run="run",
            title="tiny",
            cache=True,
            digests=take_digests(settings),
            train=train,
        )
        self.connection = connection_config(settings.metadata)
        self.store: MetadataStore = open_store(settings.metadata)
        self._ir = compile_plan(settings, self._plan)

    def __call__(self) -> None:
        LocalOrchestrator().run(self._ir, self.connection, 1)

    def states(self) -> list[NodeState]:
        return NodeReader(self.store).states("tiny", "run")

    def files(self) -> list[str]:
        """What is in the output of Write."""
        [model] = outputs(self.store, self.states()[0].execution_id, "model")
        return sorted(path.name for path in Path(model.uri).iterdir())


@pytest.fixture
def run(tmp_path: Path, mariadb: MariaDb) -> Tiny:
    return Tiny(tmp_path, overrides(mariadb.database()))


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_acts(*acts: Callable[[str], None]) -> None:
        monkeypatch.setattr(tiny, "DURING", list(acts))

    return set_acts


def leave_half(folder: str) -> None:
    Path(folder, "half").touch()


def interrupt(_: str) -> None:
    """Past the launcher, as if the process was killed: the execution stays active."""
    raise KeyboardInterrupt


def fail(_: str) -> None:
    raise ValueError("the first time")


@pytest.mark.parametrize(
    ("end", "error", "state"),
    [(interrupt, KeyboardInterrupt, "running"), (fail, NodeFailedError, "failed")],
)
def test_a_node_that_is_run_again_leaves_what_one_run_leaves(
    run: Tiny,
    during: Callable[..., None],
    end: Callable[[str], None],
    error: type[BaseException],
    state: str,
) -> None:
    during(leave_half, end)
    with pytest.raises(error):
        run()
    [before] = run.states()
    assert before.state == state
    during()
    run()
    write, read = run.states()
    assert write.execution_id == before.execution_id
    assert [write.state, write.error, read.state] == ["complete", "", "complete"]
    assert run.files() == ["text"]
    [execution] = run.store.get_executions_by_id([write.execution_id])
    assert "__execution_result__" not in execution.custom_properties
    assert len(run.store.get_artifacts()) == 2


def test_what_is_finished_is_not_run_again(run: Tiny, during: Callable[..., None]) -> None:
    run()
    before = run.states()
    during(fail)
    run()
    assert run.states() == before


def test_a_database_that_is_restarted_while_a_node_works_is_not_noticed(
    run: Tiny, during: Callable[..., None], mariadb: MariaDb
) -> None:
    def restart(_: str) -> None:
        mariadb.stop()
        mariadb.start()

    during(restart)
    run()
    assert [state.state for state in run.states()] == ["complete", "complete"]
    assert run.files() == ["text"]
