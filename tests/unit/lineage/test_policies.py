"""`registry.promotion` lets promotions pass, or refuses them with reasons."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.policies import PolicyError
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Action, Event, Stage
from evergreen.runs.plan import ModelRef
from evergreen.settings.registry import PromotionSettings

DAY = 86400.0
Enter = Callable[..., None]


@pytest.fixture
def enter(store: MetadataStore) -> Enter:
    """Enters events of days ago, as somebody else did."""
    registry = Registry(store, "taxi")

    def put(version: int, stage: Stage, days: float, **changes: object) -> None:
        event = Event(
            model=ModelRef(version=version, artifact_id=version), stage=stage, who="run", why="",
            when=datetime.now(UTC) - timedelta(days=days),
        ).model_copy(update=changes)  # fmt: skip
        registry._append(event, after=len(registry.events()))

    put(1, Stage.SERVING, 9)
    put(2, Stage.CANARY, 5, evidence={"run": "one", "metrics": "auc 0.9"})
    return put


def registry(store: MetadataStore, **policy: object) -> Registry:
    return Registry(store, "taxi", PromotionSettings.model_validate(policy))


def refusal(registry: Registry, version: int, who: str = "ann", **evidence: str) -> str:
    before = registry.events()
    with pytest.raises(PolicyError) as error:
        registry.promote(version, who, "better", evidence)
    assert error.value.hint
    assert registry.events() == before
    return str(error.value)


def test_who_is_not_named_may_not_promote(store: MetadataStore, enter: Enter) -> None:
    guarded = registry(store, by=("ann", "gateway"))
    assert "bob may not: ann, gateway may" in refusal(guarded, 2, "bob")
    with pytest.raises(PolicyError, match="bob may not"):
        guarded.reset_baseline("bob", "so that the next one serves")
    assert guarded.promote(2, "ann", "better").who == "ann"


def test_the_gateway_needs_to_be_named_too(store: MetadataStore, enter: Enter) -> None:
    guarded = registry(store, by=("ann",))
    with pytest.raises(PolicyError, match="gateway may not"):
        guarded.conclude(2, Stage.SERVING, "gateway", "held", {})
    assert guarded.conclude(2, Stage.REJECTED, "gateway", "worse", {}).stage is Stage.REJECTED


def test_everybody_may_go_back(store: MetadataStore, enter: Enter) -> None:
    guarded = registry(store, by=("ann",), evidence=("ticket",), hold_seconds=9 * DAY)
    enter(2, Stage.SERVING, 1, action=Action.PROMOTE)
    assert guarded.rollback(None, "bob", "wrong fares").model.version == 1


def test_evidence_is_given_or_told_by_the_log(store: MetadataStore, enter: Enter) -> None:
    guarded = registry(store, evidence=("metrics", "ticket", "approved"))
    said = refusal(guarded, 2, approved="")
    assert "nothing is told of 'ticket'; nothing is told of 'approved'" in said
    event = guarded.promote(2, "ann", "better", {"ticket": "ML-7", "approved": "bob"})
    assert event.evidence == {
        "run": "one",
        "metrics": "auc 0.9",
        "served before": "version 1",
        "ticket": "ML-7",
        "approved": "bob",
    }


def test_a_canary_is_held(store: MetadataStore, enter: Enter) -> None:
    said = refusal(registry(store, hold_seconds=6 * DAY), 2)
    assert f"was a canary for {5 * DAY:.0f} s, and is held for {6 * DAY:g} s" in said
    assert registry(store, hold_seconds=4 * DAY).promote(2, "ann", "").stage is Stage.SERVING


def test_what_was_never_a_canary_was_not_held(store: MetadataStore, enter: Enter) -> None:
    enter(3, Stage.CANDIDATE, 8)
    assert "was a canary for 0 s" in refusal(registry(store, hold_seconds=1), 3)


def test_a_canary_that_was_put_away_is_not_held_meanwhile(
    store: MetadataStore, enter: Enter
) -> None:
    enter(2, Stage.ARCHIVED, 4, action=Action.ARCHIVE)
    refusal(registry(store, hold_seconds=2 * DAY), 2)
    assert registry(store, hold_seconds=DAY / 2).promote(2, "ann", "").stage is Stage.SERVING


def test_what_has_served_need_not_be_held(store: MetadataStore, enter: Enter) -> None:
    guarded = registry(store, hold_seconds=4 * DAY)
    guarded.promote(2, "ann", "better")
    assert guarded.promote(1, "ann", "better after all").model.version == 1


def test_all_that_is_missing_is_told_at_once(store: MetadataStore, enter: Enter) -> None:
    said = refusal(registry(store, by=("ann",), evidence=("ticket",), hold_seconds=6 * DAY), 2, "x")
    for reason in ("x may not", "'ticket'", "was a canary for"):
        assert reason in said
