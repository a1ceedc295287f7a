"""What became of a canary, written down in the registry with the numbers that decided it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from evergreen.lineage.stages import Stage
from evergreen.serving.gateway.aside import Aside
from evergreen.settings.gateway import GATEWAY


class Verdict(StrEnum):
    """What is to become of a canary."""

    PROMOTE = "promote"
    REJECT = "reject"


STAGES = {Verdict.PROMOTE: Stage.SERVING, Verdict.REJECT: Stage.REJECTED}


@dataclass(frozen=True)
class Decision:
    """An end of a canary.

    Attributes:
        verdict: Which.
        version: Of the canary.
        why: The criterion that decided.
        evidence: The numbers of all criteria.
        stable: The version that it was compared with.
    """

    verdict: Verdict
    version: int
    why: str
    evidence: Mapping[str, str]
    stable: int | None = None


class Recorder(Protocol):
    """Takes down decisions."""

    async def record(self, decision: Decision) -> None:
        """Writes a decision down; it holds from then on.

        Raises:
            EvergreenError: If that is not possible, or somebody else decided before.
        """


class RegistryRecorder:
    """Takes down decisions in the registry.

    Args:
        registry: A `Registry`, in a process of its own.
    """

    def __init__(self, registry: Aside) -> None:
        self._registry = registry

    async def record(self, decision: Decision) -> None:
        """Enters an event. Raises EvergreenError, RuntimeError."""
        stage, evidence = STAGES[decision.verdict], dict(decision.evidence)
        told = decision.version, stage, GATEWAY, decision.why, evidence
        await self._registry.call("conclude", *told, expect=decision.stable)
