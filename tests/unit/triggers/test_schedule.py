"""Cron by wall clocks that people change, twice a year or by mistake."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evergreen.errors import SettingsError
from evergreen.settings import load_settings
from evergreen.settings.triggers import ScheduleSettings
from evergreen.triggers.schedule import Schedule
from tests.unit.settings.test_load import ROOT
from tests.unit.triggers.world import World

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


class Since:
    def __init__(self) -> None:
        self.at: datetime | None = None

    def __call__(self, schedule: str, now: datetime) -> datetime:
        self.at = self.at or now
        return self.at


def fired(cron: str, start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """When a schedule that is polled again and again gives something new."""
    schedule = Schedule(ScheduleSettings(cron=cron, timezone="Europe/Berlin"), Since())
    keys, times = set(), []
    now = start
    while now < end:
        for event in schedule.poll(now):
            if event.key not in keys:
                keys.add(event.key)
                times.append(event.time)
        now += step
    return times


def days(times: list[datetime]) -> Iterator[str]:
    return (f"{time.astimezone(BERLIN):%d %H:%M}" for time in times)


def test_a_time_that_daylight_saving_skips_comes_once_when_it_has_passed() -> None:
    start, end = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC)
    times = fired("30 2 * * *", start, end, 10 * MINUTE)
    assert list(days(times)) == ["28 02:30", "29 03:00", "30 02:30"]


def test_a_time_that_daylight_saving_repeats_comes_once() -> None:
    start, end = datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC)
    times = fired("30 2 * * *", start, end, 10 * MINUTE)
    assert list(days(times)) == ["25 02:30", "26 02:30"]
    assert times[0] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_what_was_missed_comes_once() -> None:
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    times = fired("0 * * * *", start, start + timedelta(days=20), timedelta(days=9))
    assert len(times) == 2


def test_nothing_comes_for_a_time_before_the_schedule_was_set() -> None:
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert fired("0 3 * * *", start, start + timedelta(hours=10), MINUTE * 30) == []


def test_it_knows_when_it_is_due() -> None:
    schedule = Schedule(ScheduleSettings(cron="0 3 * * 1", timezone="Europe/Berlin"), Since())
    due = schedule.due(datetime(2026, 3, 28, tzinfo=UTC))
    assert due == datetime(2026, 3, 30, 1, tzinfo=UTC)


def test_a_restart_neither_repeats_nor_forgets(world: World) -> None:
    world.begin("triggers.new_data=null", "triggers.schedule.cron=0 * * * *")
    assert not world.starts(world.step())  # set just now
    world.begin()
    assert world.starts(world.step()) == [[1, 2]]
    world.begin()
    assert not world.step(later=timedelta()).entries


def test_a_clock_that_was_wrong_for_a_while_does_not_stop_the_schedule(world: World) -> None:
    world.begin("triggers.new_data=null", "triggers.schedule.cron=0 * * * *")
    world.step()
    right = world.now
    world.step(later=timedelta(days=4000))
    world.now = right
    before = len(world.log.events)
    world.step()
    world.step()
    assert len(world.log.events) == before + 2


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        ("triggers.schedule.cron=61 * * * *", "is no cron expression"),
        ("triggers.schedule={cron: 0 3 * * *, timezone: Europe/Berln}", "is no time zone"),
    ],
)
def test_a_wrong_schedule_is_refused(pair: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load_settings(ROOT, overrides=[pair])
