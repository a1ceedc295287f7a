"""The scheduled trigger: cron, in a time zone.

A time that daylight saving skips comes as soon as it has passed; a repeated time comes once
(cronsim follows Debian's cron). Times missed while no controller ran come once, late.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from cronsim import CronSim

from evergreen.settings.triggers import ScheduleSettings
from evergreen.triggers.event import TriggerEvent

Since = Callable[[str, datetime], datetime]
"""Returns when a schedule began to apply: takes its identity, and now; the first answer is kept."""


class Schedule:
    """Fires at the times of a cron expression."""

    name = "schedule"

    def __init__(self, settings: ScheduleSettings, since: Since) -> None:
        self._settings = settings
        self._since = since
        self._identity = f"{self.name}:{settings.cron}:{settings.timezone}"

    def poll(self, now: datetime) -> Iterator[TriggerEvent]:
        """Yields the newest time that has come, if the schedule applied then."""
        # Backwards from the next minute, since cron has no seconds.
        times = self._times(now + timedelta(minutes=1), reverse=True)
        newest = next(time for time in times if time <= now)
        if newest > self._since(self._identity, now):
            yield TriggerEvent.of(
                self.name,
                f"{self._identity}:{newest:%Y-%m-%dT%H:%M%z}",
                now,
                f"scheduled: {self._settings.cron} ({self._settings.timezone})",
                evidence={"scheduled for": f"{newest:%Y-%m-%d %H:%M %Z}"},
            )

    def due(self, now: datetime) -> datetime | None:
        """Returns the next time."""
        return next(self._times(now))

    def _times(self, now: datetime, *, reverse: bool = False) -> CronSim:
        local = now.astimezone(self._settings.zone)
        return CronSim(self._settings.cron, local, reverse=reverse)
