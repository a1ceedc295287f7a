"""The settings of continuous training: triggers of runs, their data, and their limits."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from evergreen.settings.base import Section

Seconds = Annotated[float, Field(gt=0)]


class ScheduleSettings(Section):
    """A cron schedule."""

    cron: str = Field(description="minute hour day month weekday.")
    timezone: str = Field("UTC", description="A name such as Europe/Berlin.")

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str) -> str:
        try:
            CronSim(cron, datetime.now(UTC))
        except CronSimError as error:
            raise ValueError(f"is no cron expression: {error}; such as 0 3 * * 1") from error
        return cron

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, timezone: str) -> str:
        if timezone not in available_timezones():
            raise ValueError("is no time zone; such as UTC or Europe/Berlin")
        return timezone

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)


class NewDataSettings(Section):
    """The trigger for new spans."""

    train: bool = Field(True, description="Whether to train on it; if not, it is only ingested.")
    watch: bool = Field(
        True,
        description="Whether the file system sends notifications. Where it sends none (object "
        "stores, network volumes), the folder is polled every triggers.poll_seconds.",
    )


class FindingSettings(Section):
    """The trigger for findings of monitoring."""

    names: tuple[str, ...] = Field((), description="Features or metrics that count; all if empty.")
    slices: bool = Field(True, description="Whether a finding in a part of the traffic counts.")
    at_least: int = Field(
        1, gt=0, description="How many findings must be beyond their thresholds at once."
    )


class WindowSettings(Section):
    """The spans to train on."""

    of: Literal["rolling", "expanding", "since_last"] = Field(
        "rolling", description="The newest spans, all spans, or those that no training has used."
    )
    spans: int = Field(8, gt=0, description="The number of spans in a rolling window.")


class TriggerSettings(Section):
    """The triggers that start runs, and their limits; null switches a trigger off."""

    schedule: ScheduleSettings | None = None
    new_data: NewDataSettings | None = NewDataSettings()
    performance: FindingSettings | None = FindingSettings()
    distribution: FindingSettings | None = FindingSettings()
    window: WindowSettings = WindowSettings()
    cooldown_seconds: float = Field(3600, ge=0, description="The least time between two starts.")
    daily_budget: int = Field(8, gt=0, description="The most starts in 24 hours.")
    deadline_seconds: Seconds = Field(
        6 * 3600, description="An attempt that takes longer is killed."
    )
    attempts: int = Field(2, gt=0, description="Attempts of a run that crashes or hangs.")
    retry_seconds: float = Field(
        60, ge=0, description="The least time from one attempt to the next."
    )
    poll_seconds: Seconds = Field(
        10, description="How often to poll for changes without notifications."
    )
    monitor_seconds: Seconds = Field(3600, description="How often the monitors run.")
    monitor_deadline_seconds: Seconds = Field(
        3600, description="A run of the monitors that takes longer is killed."
    )
