"""Runs on this machine that are let go of."""

from multiprocessing import get_context
from time import sleep

from evergreen.running.orchestrator import Progress
from evergreen.settings import Settings
from evergreen.triggers.local import LocalLauncher
from evergreen.triggers.log import Tried
from evergreen.triggers.work import Work
from tests.unit.planning.conftest import ROOT, Bench
from tests.unit.triggers.world import World


def hang(settings: Settings, run_id: str) -> None:
    sleep(600)


def make(settings: Settings) -> LocalLauncher:
    """A launcher of runs that hang."""
    place = Work(str(ROOT), settings.model_dump_json(by_alias=True))
    return LocalLauncher(place, settings.pipeline.lock, runner=hang, context=get_context("fork"))


def test_a_run_that_was_let_go_of_has_not_crashed(bench: Bench) -> None:
    """As when the lease was lost for a moment: the same try is launched again, not counted."""
    record, launcher = bench.plan(), make(bench.settings())
    launcher.launch(record, 0)
    assert launcher.progress(record, 0) is Progress.GOES_ON
    assert launcher.is_busy
    launcher.close()
    assert launcher.progress(record, 0) is Progress.ABSENT
    assert not launcher.is_busy
    launcher.launch(record, 0)
    launcher.stop(record, 0)  # past its deadline: that is a try
    assert launcher.progress(record, 0) is Progress.STOPPED


def test_a_run_that_was_let_go_of_is_taken_up_as_the_same_try(world: World) -> None:
    world.runs = make(world.settings)
    world.begin()
    world.step()
    world.controller.close()  # another one leads
    step = world.step()
    assert not step.entries
    assert not world.log.of(Tried)
    assert world.runs.is_busy
    assert len(world.records) == 1
    world.controller.close()
