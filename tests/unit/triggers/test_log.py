"""The log admits one writer at a place, and shows whole entries only."""

import pytest

from evergreen.planning.plan import Outcome
from evergreen.triggers import manual
from evergreen.triggers.log import Ended, LogConflictError, TriggerLog
from tests.unit.planning.conftest import Bench
from tests.unit.triggers.world import START

END = Ended(at=START, run_id="run", outcome=Outcome.PUSHED)


@pytest.fixture
def logs(bench: Bench) -> list[TriggerLog]:
    return [TriggerLog(bench.store, "taxi") for _ in range(2)]


def test_of_two_who_write_the_same_at_once_one_wins(logs: list[TriggerLog]) -> None:
    one, other = logs
    one.append(END)
    with pytest.raises(LogConflictError):
        other.append(END)
    other.refresh()
    assert one.entries == other.entries == [END]


def test_of_two_who_notice_the_same_one_writes_it_down(logs: list[TriggerLog]) -> None:
    one, other = logs
    first = one.notice(manual.event("k", START, "ann", "a"))
    assert other.notice(manual.event("k", START, "bob", "b")) == first
    assert len(other.entries) == 1


def test_what_others_wrote_meanwhile_is_read_in_order(logs: list[TriggerLog]) -> None:
    one, other = logs
    for number in range(4):
        writer = logs[number % 2]
        writer.notice(manual.event(str(number), START, "ann", "a"))
    one.refresh()
    assert [event.key for event in one.events.values()] == [f"manual:{n}" for n in range(4)]
    assert one.entries == other.entries


def test_pipelines_do_not_see_each_other(bench: Bench) -> None:
    one, other = TriggerLog(bench.store, "taxi"), TriggerLog(bench.store, "taxi2")
    one.append(END)
    other.refresh()
    assert not other.entries
    other.append(END)
    one.refresh()
    assert len(one.entries) == 1
