"""Ends of canaries in a real registry."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Action, Event, RegistryError, Stage, stages
from evergreen.runs.plan import ModelRef
from evergreen.serving.gateway.registry import (
    CanaryDecision,
    CanaryVerdict,
    StoredRegistry,
    Targets,
)
from tests.unit.lineage.making import make_store

EVIDENCE = {"error rate": "0.4 (at least 0.3), limit 0.01: canary 40 of 100, stable 0 of 900"}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Version 1 is serving, 2 and 3 are canaries."""
    registry = Registry(make_store(tmp_path / "metadata.sqlite"), "half")
    for number in (1, 2, 3):
        registry.register(
            ModelRef(version=number, artifact_id=number),
            "somebody",
            "pushed",
            {"run": f"run {number}", "path": f"/models/{number}"},
            Stage.CANARY,
        )
    return registry


@dataclass
class Beside:
    """Calls the registry of this process: that it may be in another is tested on its own."""

    registry: Registry

    async def call(self, method: str, *arguments: object, **named: object) -> object:
        return getattr(self.registry, method)(*arguments, **named)


def current(registry: Registry) -> Targets:
    return asyncio.run(StoredRegistry(Beside(registry)).current())


def record(registry: Registry, verdict: CanaryVerdict) -> Event:
    recorder = StoredRegistry(Beside(registry))
    asyncio.run(recorder.record(CanaryDecision(verdict, 3, "worse in error rate", EVIDENCE)))
    return registry.events()[-1]


def test_the_newest_canary_gets_the_traffic(registry: Registry) -> None:
    assert current(registry) == Targets(1, 3)
    registry.archive(3, "somebody", "no")
    assert current(registry) == Targets(1, None)


def test_a_canary_that_a_newer_version_has_overtaken_gets_none(registry: Registry) -> None:
    registry.promote(3, "somebody", "better")
    assert current(registry) == Targets(3, None)


def test_a_rejection_is_in_the_log_with_its_numbers(registry: Registry) -> None:
    event = record(registry, CanaryVerdict.REJECT)
    assert (event.action, event.stage, event.who) == (Action.ROLLBACK, Stage.REJECTED, "gateway")
    assert event.why == "worse in error rate"
    assert event.evidence == EVIDENCE | {"run": "run 3", "served before": "version 1"}
    assert stages(registry.events()) == {1: Stage.SERVING, 2: Stage.ARCHIVED, 3: Stage.REJECTED}
    with pytest.raises(RegistryError, match="rejected"):
        registry.promote(3, "somebody", "anyway")


def test_a_promotion_is_in_the_log_with_its_numbers(registry: Registry) -> None:
    event = record(registry, CanaryVerdict.PROMOTE)
    assert (event.action, event.stage) == (Action.PROMOTE, Stage.SERVING)
    assert event.evidence["error rate"] == EVIDENCE["error rate"]
    assert stages(registry.events()) == {1: Stage.ARCHIVED, 2: Stage.ARCHIVED, 3: Stage.SERVING}


@pytest.mark.parametrize("verdict", CanaryVerdict)
def test_a_decision_comes_too_late_when_somebody_else_decided(
    registry: Registry, verdict: CanaryVerdict
) -> None:
    registry.archive(3, "somebody", "no")
    with pytest.raises(RegistryError, match="archived, and no canary any more"):
        record(registry, verdict)
    assert registry.events()[-1].who == "somebody"
