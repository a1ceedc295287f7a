"""Runs on this machine that are let go of."""

from multiprocessing import get_context
from time import sleep

from evergreen.settings import Settings
from evergreen.triggers.launching import Progress
from evergreen.triggers.local import LocalLauncher
from evergreen.triggers.work import Work
from tests.unit.planning.conftest import ROOT, Bench


def hang(settings: Settings, run_id: str) -> None:
    sleep(600)


def test_a_run_that_was_let_go_of_has_not_crashed(bench: Bench) -> None:
    """As when the lease was lost for a moment: the same try is launched again, not counted."""
    record = bench.plan()
    settings = bench.settings()
    place = Work(str(ROOT), settings.model_dump_json(by_alias=True))
    launcher = LocalLauncher(
        place, settings.pipeline.lock, runner=hang, context=get_context("fork")
    )
    launcher.launch(record, 0)
    assert launcher.progress(record, 0) is Progress.GOES_ON
    assert launcher.is_busy
    launcher.close()
    assert launcher.progress(record, 0) is Progress.ABSENT
    assert not launcher.is_busy
    launcher.launch(record, 0)
    launcher.stop(record, 0)  # past its deadline: that is a try
    assert launcher.progress(record, 0) is Progress.STOPPED
