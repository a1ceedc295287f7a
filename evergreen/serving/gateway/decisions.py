"""What became of a canary, written down in the registry with the numbers that decided it."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
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
        registry: Opens it; called on a thread of the executor, as all that uses it.
        executor: Of one thread.
    """

    def __init__(self, registry: Callable[[], Registry], executor: Executor) -> None:
        self._registry = registry
        self._executor = executor

    async def record(self, decision: Decision) -> None:
        """Enters an event. Raises RegistryError, RegistryConflictError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._conclude, decision)

    def _conclude(self, decision: Decision) -> None:
        stage = STAGES[decision.verdict]
        registry = self._registry()
        told = decision.why, decision.evidence
        registry.conclude(decision.version, stage, GATEWAY, *told, expect=decision.stable)
