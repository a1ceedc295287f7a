"""The log admits one writer at a place, and shows whole entries only."""

import subprocess
import sys

import pytest

from evergreen.errors import EvergreenError
from evergreen.lineage.retries import contended
from evergreen.lineage.store import ConflictError
from evergreen.runs.plan import Outcome
from evergreen.triggers.event import fired_event
from evergreen.triggers.log import Ended, TriggerLog
from tests.unit.planning.conftest import Bench
from tests.unit.triggers.world import START

END = Ended(at=START, run_id="run", outcome=Outcome.PUSHED)


@pytest.fixture
def logs(bench: Bench) -> list[TriggerLog]:
    return [TriggerLog(bench.store, "taxi") for _ in range(2)]


def test_of_two_who_write_the_same_at_once_one_wins(logs: list[TriggerLog]) -> None:
    first, other = logs
    first.append(END)
    with pytest.raises(ConflictError):
        other.append(END)
    other.refresh()
    assert first.entries == other.entries == [END]


def test_of_two_who_notice_the_same_one_writes_it_down(logs: list[TriggerLog]) -> None:
    ours, other = logs
    first = ours.notice(fired_event("k", START, "ann", "a"))
    assert other.notice(fired_event("k", START, "bob", "b")) == first
    assert len(other.entries) == 1


def test_what_others_wrote_meanwhile_is_read_in_order(logs: list[TriggerLog]) -> None:
    ours, other = logs
    for number in range(4):
        writer = logs[number % 2]
        writer.notice(fired_event(str(number), START, "ann", "a"))
    ours.refresh()
    assert [event.key for event in ours.events.values()] == [f"manual:{n}" for n in range(4)]
    assert ours.entries == other.entries


def test_pipelines_do_not_see_each_other(bench: Bench) -> None:
    taxi, other = TriggerLog(bench.store, "taxi"), TriggerLog(bench.store, "taxi2")
    taxi.append(END)
    other.refresh()
    assert not other.entries
    other.append(END)
    taxi.refresh()
    assert len(taxi.entries) == 1


def change(bench: Bench, sql: str) -> None:
    """Makes the store what ML Metadata itself would not make it.

    In a process of its own: a second SQLite in this one would drop the first one's locks.
    """
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2]).close()"
    file = str(bench.settings().metadata.sqlite)
    subprocess.run([sys.executable, "-c", script, file, sql], check=True)


def test_what_another_pipeline_wrote_moves_no_log_on(bench: Bench) -> None:
    """Ids are given before entries are there: those of others may be larger, and there earlier."""
    log, other = TriggerLog(bench.store, "taxi"), TriggerLog(bench.store, "flights")
    TriggerLog(bench.store, "taxi").append(END)
    other.append(END)
    change(bench, "UPDATE Context SET name = 'late/00000001' WHERE name = 'taxi/00000001';")
    log.refresh()
    assert log.entries == []
    change(bench, "UPDATE Context SET name = 'taxi/00000001' WHERE name = 'late/00000001';")
    log.refresh()
    assert log.entries == [END]
    event = fired_event("k", START, "ann", "a")
    assert log.notice(event) == event


def test_an_underscore_in_a_name_is_no_wildcard(bench: Bench) -> None:
    TriggerLog(bench.store, "taxi-a").append(END)
    log = TriggerLog(bench.store, "taxi_a")
    log.refresh()
    assert log.entries == []


def test_a_damaged_entry_is_named(bench: Bench) -> None:
    TriggerLog(bench.store, "taxi").append(END)
    change(bench, "UPDATE ContextProperty SET string_value = '{}' WHERE name = 'entry';")
    with pytest.raises(EvergreenError, match="entry taxi/00000001 of the triggers' log is damaged"):
        TriggerLog(bench.store, "taxi").refresh()


def test_who_is_always_late_gives_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log whose newest entry is taken and cannot be read is asked for a while, not for ever."""
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    monkeypatch.setattr("evergreen.triggers.log.contended", lambda of: contended(of, patience=0.5))
    log = TriggerLog(bench.store, "taxi")
    TriggerLog(bench.store, "taxi").append(END)
    monkeypatch.setattr(log, "refresh", lambda: None)
    with pytest.raises(ConflictError):
        log.notice(fired_event("k", START, "ann", "a"))
    assert len(waits) > 1
    assert max(waits) > min(waits)
