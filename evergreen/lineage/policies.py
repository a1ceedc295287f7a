"""Promotion policy: `registry.promotion` says who may promote a version, and on what evidence.

Rolling back is always allowed, since it leads to a version that was promoted before.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from evergreen.lineage.stages import Event, RegistryError, Stage, stays
from evergreen.runs.plan import ModelRef
from evergreen.settings.registry import PromotionSettings


class PolicyError(RegistryError):
    """Raised when the settings do not allow a promotion."""


def check(
    policy: PromotionSettings,
    events: Sequence[Event],
    model: ModelRef,
    who: str,
    evidence: Mapping[str, str],
) -> None:
    """Checks a promotion.

    Args:
        policy: The conditions.
        events: The log of the model.
        model: The version to promote.
        who: The person or trigger that promotes it.
        evidence: Their evidence; the evidence in the log counts as well.

    Raises:
        PolicyError: If a condition does not hold; names everything that is missing.
    """
    own = [event for event in events if event.model == model]
    told = {
        name
        for known in (*(event.evidence for event in own), evidence)
        for name in known
        if known[name]
    }
    now = datetime.now(UTC)
    _refuse(
        model,
        *_actor(policy, who),
        *(f"nothing is told of {name!r}" for name in policy.evidence if name not in told),
        *_hold(policy, events, model.version, now),
    )


def check_actor(policy: PromotionSettings, model: ModelRef, who: str) -> None:
    """Checks that somebody may decide which version serves.

    Raises:
        PolicyError: If they may not.
    """
    _refuse(model, *_actor(policy, who))


def _actor(policy: PromotionSettings, who: str) -> Iterator[str]:
    if policy.by and who not in policy.by:
        yield f"{who} may not: {', '.join(policy.by)} may"


def _hold(
    policy: PromotionSettings, events: Sequence[Event], version: int, now: datetime
) -> Iterator[str]:
    found = stays(events)[version]
    if any(stay.stage is Stage.SERVING for stay in found):
        return
    held = sum(stay.seconds(now) for stay in found if stay.stage is Stage.CANARY)
    if held < policy.hold_seconds:
        yield f"it was a canary for {held:.0f} s, and is held for {policy.hold_seconds:g} s"


def _refuse(model: ModelRef, *reasons: str) -> None:
    if reasons:
        raise PolicyError(
            f"version {model.version}: registry.promotion refuses: {'; '.join(reasons)}.",
            hint="See what is told of it: evergreen models history "
            f"{model.version}; evidence is given with: evergreen promote --evidence NAME=VALUE",
        )
