"""A real controller in a process of its own, to be killed; its runs are short."""

import fcntl
import logging
import os
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

from evergreen.lineage.artifacts import blessed_examples
from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import open_store
from evergreen.running.conclusion import end
from evergreen.runs.plan import Outcome
from evergreen.settings import Settings, load_settings
from evergreen.triggers import configured
from evergreen.triggers.controller import Controller
from evergreen.triggers.leader import lease
from evergreen.triggers.local import LocalLauncher
from evergreen.triggers.log import TriggerLog
from evergreen.triggers.loop import Watch
from evergreen.triggers.work import Work
from tests.unit.lineage.making import put_span

ROOT = Path(__file__).parents[2]
WORK = 200
"""Lines that a run writes, each to the disk: some tenths of a second."""


def watch(overrides: tuple[str, ...], begins: Event) -> None:
    """What `evergreen watch` does, but for the runs; tells when it begins."""
    settings = load_settings(ROOT, overrides=overrides)
    logging.basicConfig(level=logging.INFO, filename=settings.logs.folder / "watch.log")
    watching = Watch(settings, lease(settings))
    store = open_store(settings.metadata)
    log = TriggerLog(store, settings.pipeline.name)
    launcher = LocalLauncher(
        Work(str(ROOT), settings.model_dump_json(by_alias=True)),
        settings.pipeline.lock,
        watching.wake,
        runner=quick_run,
        context=get_context("fork"),
    )
    triggers = configured.triggers(settings, store, log)
    begins.set()
    watching(Controller(settings, store, triggers, launcher, log=log))


def quick_run(settings: Settings, run_id: str) -> None:
    """Carries out a run; leaves traces of each try, and of two at once."""
    traces, store = settings.logs.folder, open_store(settings.metadata)
    trace(traces / "tries", run_id)
    with (traces / "alive").open("w") as alive:
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            trace(traces / "overlaps", run_id)
        record = RunRecords(store).get(run_id)
        for span in record.to_ingest:
            if blessed_examples(store, span.ingest_key) is None:
                put_span(store, settings.pipeline.root, span.number, span.ingest_key)
        for _ in range(WORK):  # not a sleep: work, that a signal may hit anywhere
            trace(traces / "work", run_id)
        end(settings, store, run_id, Outcome.PUSHED if record.request.train else Outcome.INGESTED)


def trace(file: Path, line: str) -> None:
    with file.open("a") as stream:
        stream.write(f"{line}\n")
        stream.flush()
        os.fsync(stream.fileno())
