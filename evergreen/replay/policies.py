"""Policies for retraining, which a replay compares."""

from enum import StrEnum
from typing import Any

from evergreen.settings import Settings

OFF = dict.fromkeys(("schedule", "new_data", "performance", "distribution"))
NO_LIMIT = {"cooldown_seconds": 0, "daily_budget": 1000, "attempts": 1}


class Policy(StrEnum):
    """A rule that decides when to retrain."""

    NEVER = "never"
    ALWAYS = "always"
    SCHEDULE = "schedule"
    TRIGGER = "trigger"


def triggers(policy: Policy, settings: Settings) -> dict[str, Any]:
    """Returns the section `triggers` of a policy's settings."""
    own: dict[Policy, dict[str, Any]] = {
        Policy.NEVER: {},
        Policy.ALWAYS: {"new_data": {"train": True, "watch": False}},
        Policy.SCHEDULE: {"schedule": {"cron": settings.replay.schedule}},
        Policy.TRIGGER: {"performance": {}, "distribution": {}},
    }
    return {"window": settings.replay.window.model_dump(), **OFF, **NO_LIMIT, **own[policy]}
