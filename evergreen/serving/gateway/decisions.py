"""Decisions about canaries, recorded in the registry with their figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from evergreen.lineage.stages import Stage
from evergreen.serving.gateway.aside import Aside
from evergreen.settings.gateway import GATEWAY


class CanaryVerdict(StrEnum):
    """The fate of a canary."""

    PROMOTE = "promote"
    REJECT = "reject"


STAGES = {CanaryVerdict.PROMOTE: Stage.SERVING, CanaryVerdict.REJECT: Stage.REJECTED}


@dataclass(frozen=True)
class CanaryDecision:
    """The decision that ends a canary.

    Attributes:
        verdict: The verdict.
        version: The canary's version.
        why: The criterion that decided.
        evidence: The figures of all criteria.
        stable: The version that it was compared with.
    """

    verdict: CanaryVerdict
    version: int
    why: str
    evidence: Mapping[str, str]
    stable: int | None = None


class Recorder(Protocol):
    """Records decisions."""

    async def record(self, decision: CanaryDecision) -> None:
        """Records a decision, which then takes effect.

        Raises:
            EvergreenError: If that is impossible, or somebody else has decided.
        """


class RegistryRecorder:
    """Records decisions in the registry.

    Args:
        registry: A `Registry` in a separate process.
    """

    def __init__(self, registry: Aside) -> None:
        self._registry = registry

    async def record(self, decision: CanaryDecision) -> None:
        """Adds an event. Raises EvergreenError, RuntimeError."""
        stage, evidence = STAGES[decision.verdict], dict(decision.evidence)
        told = decision.version, stage, GATEWAY, decision.why, evidence
        await self._registry.call("conclude", *told, expect=decision.stable)
