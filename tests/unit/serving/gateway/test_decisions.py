"""Ends of canaries in a real registry."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Action, Event, RegistryError, Stage, stages
from evergreen.planning.plan import ModelRef
from evergreen.serving.gateway.assignment import RegistryAssignment, Targets
from evergreen.serving.gateway.decisions import Decision, RegistryRecorder, Verdict
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


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def record(registry: Registry, executor: ThreadPoolExecutor, verdict: Verdict) -> Event:
    recorder = RegistryRecorder(lambda: registry, executor)
    asyncio.run(recorder.record(Decision(verdict, 3, "worse in error rate", EVIDENCE)))
    return registry.events()[-1]


def test_the_newest_canary_gets_the_traffic(
    registry: Registry, executor: ThreadPoolExecutor
) -> None:
    assignment = RegistryAssignment(lambda: registry, executor)
    assert asyncio.run(assignment.current()) == Targets(1, 3)
    registry.archive(3, "somebody", "no")
    assert asyncio.run(assignment.current()) == Targets(1, None)


def test_a_canary_that_a_newer_version_has_overtaken_gets_none(
    registry: Registry, executor: ThreadPoolExecutor
) -> None:
    registry.promote(3, "somebody", "better")
    assert asyncio.run(RegistryAssignment(lambda: registry, executor).current()) == Targets(3, None)


def test_a_rejection_is_in_the_log_with_its_numbers(
    registry: Registry, executor: ThreadPoolExecutor
) -> None:
    event = record(registry, executor, Verdict.REJECT)
    assert (event.action, event.stage, event.who) == (Action.ROLLBACK, Stage.REJECTED, "gateway")
    assert event.why == "worse in error rate"
    assert event.evidence == EVIDENCE | {"run": "run 3", "served before": "version 1"}
    assert stages(registry.events()) == {1: Stage.SERVING, 2: Stage.ARCHIVED, 3: Stage.REJECTED}
    with pytest.raises(RegistryError, match="rejected"):
        registry.promote(3, "somebody", "anyway")


def test_a_promotion_is_in_the_log_with_its_numbers(
    registry: Registry, executor: ThreadPoolExecutor
) -> None:
    event = record(registry, executor, Verdict.PROMOTE)
    assert (event.action, event.stage) == (Action.PROMOTE, Stage.SERVING)
    assert event.evidence["error rate"] == EVIDENCE["error rate"]
    assert stages(registry.events()) == {1: Stage.ARCHIVED, 2: Stage.ARCHIVED, 3: Stage.SERVING}


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_comes_too_late_when_somebody_else_decided(
    registry: Registry, executor: ThreadPoolExecutor, verdict: Verdict
) -> None:
    registry.archive(3, "somebody", "no")
    with pytest.raises(RegistryError, match="archived, and no canary any more"):
        record(registry, executor, verdict)
    assert registry.events()[-1].who == "somebody"
