"""A controller that is killed at any point loses nothing and does nothing twice."""

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pyarrow as pa
import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.records import RunRecords
from evergreen.lineage.store import open_store
from evergreen.monitoring.results import Kind, MonitoringResult, TrafficFinding, Window, publish
from evergreen.runs.plan import Outcome
from evergreen.settings import Settings, load_settings
from evergreen.spans import publish_version
from evergreen.triggers.decision import Ruling
from evergreen.triggers.event import MANUAL, fired_event
from evergreen.triggers.log import TYPE, Ended, TriggerLog
from tests.e2e.killed import ROOT, watch
from tests.project import places

KILLS = 20
MOST_KILLS = 100
"""Until one has hit a run in the middle."""


def happen(number: int, settings: Settings, store: MetadataStore) -> str:
    """Something that starts a run; returns the key of its event."""
    now = datetime.now(UTC)
    if number % 2:
        table = pa.table({"trip_id": [str(number)]})
        span = publish_version(settings.data.span_root, number // 2 + 1, table)
        root = settings.data.span_root
        return f"new-data:{root}:{span.number}:{span.version}:{span.sha256}"
    if number % 4:
        return fire(settings, store, number, now)
    finding = TrafficFinding(kind=Kind.DRIFT, name="fare", value=1, threshold=0.1, fired=True)
    result = MonitoringResult(
        model="taxi",
        version=1,
        window=Window(start=now, end=now),
        created=now,
        rows=1,
        labelled=0,
        findings=(finding,),
    )
    return f"distribution:taxi:{publish(store, result, settings.logs.folder)}"


def fire(settings: Settings, store: MetadataStore, number: int, now: datetime) -> str:
    log = TriggerLog(store, settings.pipeline.name)
    log.refresh()
    return log.notice(fired_event(str(number), now, "ann", "wants it", force=True)).key


@dataclass(frozen=True)
class Controllers:
    """Controllers of one store, one after the other, in processes of their own."""

    overrides: tuple[str, ...]
    settings: Settings
    store: MetadataStore
    log: TriggerLog

    def start(self) -> BaseProcess:
        processes = get_context("forkserver")
        processes.set_forkserver_preload(["tests.e2e.killed"])
        begins = processes.Event()
        process = processes.Process(target=watch, args=(self.overrides, begins))
        process.start()
        begins.wait()
        return process

    def live(self, number: int, seconds: float | None = None) -> str:
        """Kills a controller some seconds after an event, or when the event is dealt with."""
        process = self.start()
        key = happen(number, self.settings, self.store)
        if seconds is None:
            self.await_rest(process, {key})
        else:
            process.join(seconds)
        assert process.is_alive(), (self.settings.logs.folder / "watch.log").read_text()
        process.kill()
        process.join()
        return key

    def await_rest(self, process: BaseProcess, keys: set[str]) -> None:
        """Waits until events are there, and nothing waits or runs any more."""
        log = self.log
        while (
            not keys <= {event.key for event in log.events.values()} or log.waiting or log.running
        ):
            assert process.is_alive()
            time.sleep(0.05)
            log.refresh()


@pytest.fixture
def controllers(tmp_path: Path) -> Controllers:
    overrides = (
        *places(tmp_path),
        f"metadata.sqlite={tmp_path}/metadata.sqlite",
        "triggers.cooldown_seconds=0",
        "triggers.daily_budget=100000",
        "triggers.attempts=100000",
        "triggers.deadline_seconds=20",
        "triggers.retry_seconds=0",
        "triggers.poll_seconds=1",
        "triggers.window.spans=2",
    )
    settings = load_settings(ROOT, overrides=overrides)
    settings.logs.folder.mkdir(parents=True)
    store = open_store(settings.metadata)
    return Controllers(overrides, settings, store, TriggerLog(store, settings.pipeline.name))


def test_twenty_kills(controllers: Controllers) -> None:
    settings, store, log = controllers.settings, controllers.store, controllers.log
    begun = time.monotonic()
    keys = [controllers.live(1)]
    usual, chance = time.monotonic() - begun, random.Random(1)
    for number in range(2, MOST_KILLS):
        if number > KILLS and hits(settings):
            break
        keys.append(controllers.live(number, chance.expovariate(1 / usual)))
    last = controllers.start()
    controllers.await_rest(last, set(keys))
    last.terminate()
    last.join()
    assert last.exitcode == -signal.SIGTERM

    assert Counter(event.key for event in log.events.values()) == Counter(dict.fromkeys(keys, 1))
    for event in log.events.values():
        decided = [decided.decision.verdict for decided in log.decisions(event.id)]
        assert sum(verdict is not Ruling.WAIT for verdict in decided) == 1
        assert Ruling.START in decided or event.trigger != MANUAL
    runs = [start.decision.run_id for start in log.starts]
    assert runs
    assert len(set(runs)) == len(runs)
    assert [record.run_id for record in RunRecords(store).of_model("taxi")] == runs
    outcomes = {record.outcome for record in RunRecords(store).of_model("taxi")}
    assert outcomes <= {Outcome.PUSHED, Outcome.INGESTED}
    assert [entry.run_id for entry in log.of(Ended)] == runs
    assert not (settings.logs.folder / "overlaps").exists()
    names = [context.name for context in store.get_contexts_by_type(TYPE)]
    assert sorted(names) == [f"taxi/{number:08d}" for number in range(1, len(names) + 1)]
    assert set(tries(settings)) == set(runs)
    assert hits(settings) > 0


def tries(settings: Settings) -> list[str]:
    """The runs that were begun, in their order."""
    file = settings.logs.folder / "tries"
    return file.read_text().splitlines() if file.exists() else []


def hits(settings: Settings) -> int:
    """How many runs were hit in the middle, and begun once more."""
    begun = tries(settings)
    return len(begun) - len(set(begun))
