"""A policy starts what it says, and nothing else holds it back."""

import pytest

from evergreen.replay.policies import Policy, triggers
from evergreen.settings import Settings, load_settings
from evergreen.settings.triggers import TriggerSettings
from tests.project import ROOT

STARTS = {
    Policy.NEVER: set(),
    Policy.ALWAYS: {"new_data"},
    Policy.SCHEDULE: {"schedule"},
    Policy.TRIGGER: {"performance", "distribution"},
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(ROOT)


@pytest.mark.parametrize("policy", Policy)
def test_only_its_own_triggers_are_on(policy: Policy, settings: Settings) -> None:
    found = TriggerSettings.model_validate(triggers(policy, settings))
    names = ("schedule", "new_data", "performance", "distribution")
    assert {name for name in names if getattr(found, name)} == STARTS[policy]
    assert found.window == settings.replay.window
    assert (found.cooldown_seconds, found.attempts) == (0, 1)
    assert found.daily_budget >= 1000
    if found.schedule:
        assert found.schedule.cron == settings.replay.schedule
