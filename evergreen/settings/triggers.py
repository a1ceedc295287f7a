"""The settings of continuous training: what starts runs, on which data, and how often at most."""

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
    """What a span that lands starts."""

    train: bool = Field(True, description="Whether to train on it; if not, it is only ingested.")
    watch: bool = Field(
        True,
        description="Whether the file system tells of it at once. Where it cannot (object stores, "
        "network volumes), the folder is looked at every triggers.poll_seconds alone.",
    )


class FindingSettings(Section):
    """Which findings of monitoring start a run."""

    names: tuple[str, ...] = Field((), description="Features or metrics that count; all if empty.")
    slices: bool = Field(True, description="Whether a finding in a part of the traffic counts.")
    at_least: int = Field(1, gt=0, description="How many must be beyond their thresholds at once.")


class WindowSettings(Section):
    """Which spans to train on."""

    of: Literal["rolling", "expanding", "since_last"] = Field(
        "rolling", description="The newest spans, all, or those that no training has seen."
    )
    spans: int = Field(8, gt=0, description="How many a rolling window has.")


class TriggerSettings(Section):
    """What starts runs without a person, and what holds them back; null switches a trigger off."""

    schedule: ScheduleSettings | None = None
    new_data: NewDataSettings | None = NewDataSettings()
    performance: FindingSettings | None = FindingSettings()
    distribution: FindingSettings | None = FindingSettings()
    window: WindowSettings = WindowSettings()
    cooldown_seconds: float = Field(3600, ge=0, description="From one start to the next, at least.")
    daily_budget: int = Field(8, gt=0, description="Starts in 24 hours, at most.")
    deadline_seconds: Seconds = Field(6 * 3600, description="A try that takes longer is killed.")
    attempts: int = Field(2, gt=0, description="Tries of a run that crashes or hangs.")
    retry_seconds: float = Field(60, ge=0, description="From one try to the next, at least.")
    poll_seconds: Seconds = Field(10, description="How often is looked for what tells nobody.")
    monitor_seconds: Seconds = Field(3600, description="How often the monitors look.")
    monitor_deadline_seconds: Seconds = Field(
        3600, description="A look of the monitors that takes longer is killed."
    )
