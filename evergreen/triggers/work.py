"""The process that carries out one run of the controller."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evergreen.launch import end_with
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import open_store
from evergreen.settings import Settings
from evergreen.triggers.signals import folder


@dataclass(frozen=True)
class Work:
    """A run to carry out, in plain values, which survive changes of the code.

    Attributes:
        project: The project's folder.
        settings: The settings with which the run was planned, as JSON, whatever the files say now.
        run_id: The planned run.
    """

    project: str
    settings: str
    run_id: str = ""


Runner = Callable[[Settings, str], None]
"""Carries out a planned run, given by its id."""


def work(given: Work, runner: Runner) -> None:
    """Carries out a run, once no other process is working on this pipeline."""
    end_with(os.getppid())
    os.setpgid(0, 0)  # so that its children can be ended with it
    sys.path.insert(0, given.project)
    settings = Settings.model_validate_json(given.settings)
    with _alone(folder(settings)):
        record = RunRecords(open_store(settings.metadata)).get(given.run_id)
        if record.can_go_on:
            runner(settings, given.run_id)


def run(settings: Settings, run_id: str) -> None:
    """Carries out a run of the pipeline; the libraries' output goes to a log."""
    from evergreen.running.quiet import quiet
    from evergreen.running.run import Run

    with quiet(settings.logs.folder / f"run-{run_id}.log") as console:
        console.quiet = True
        Run(settings, console).carry_out(RunRecords(open_store(settings.metadata)).get(run_id))


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Waits until no other process works on a pipeline; a dying process releases the lock."""
    with (place / "running").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
