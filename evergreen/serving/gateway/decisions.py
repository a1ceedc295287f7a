"""What became of a canary, written down in the registry with the numbers that decided it."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from evergreen.lineage import stages as log
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Action, Event, RegistryError, Stage

WHO = "gateway"


class Verdict(StrEnum):
    """What is to become of a canary."""

    PROMOTE = "promote"
    REJECT = "reject"


@dataclass(frozen=True)
class Decision:
    """An end of a canary.

    Attributes:
        verdict: Which.
        version: Of the canary.
        why: The criterion that decided.
        evidence: The numbers of all criteria.
    """

    verdict: Verdict
    version: int
    why: str
    evidence: Mapping[str, str]


class Recorder(Protocol):
    """Takes down decisions."""

    async def record(self, decision: Decision) -> None:
        """Writes a decision down; it holds from then on.

        Raises:
            EvergreenError: If that is not possible, or somebody else decided before.
        """


class CanaryRegistry(Registry):
    """A registry in which canaries end."""

    def conclude(self, decision: Decision) -> Event:
        """Makes a canary serving, or rejected.

        Raises:
            RegistryError: If the version is not a canary any more.
            RegistryConflictError: If somebody else wrote to the log at the same moment.
        """
        events = self.events()
        model = log.model(events, decision.version)
        stage = log.stages(events)[decision.version]
        if stage is not Stage.CANARY:
            raise RegistryError(f"version {decision.version} is {stage}, and no canary any more.")
        action, becomes = {
            Verdict.PROMOTE: (Action.PROMOTE, Stage.SERVING),
            Verdict.REJECT: (Action.ROLLBACK, Stage.REJECTED),
        }[decision.verdict]
        evidence = log.evidence(events, model) | dict(decision.evidence)
        return self._enter(events, action, model, becomes, WHO, decision.why, evidence)


class RegistryRecorder:
    """Takes down decisions in the registry.

    Args:
        registry: Opens it; called on a thread of the executor, as all that uses it.
        executor: Of one thread.
    """

    def __init__(self, registry: Callable[[], CanaryRegistry], executor: Executor) -> None:
        self._registry = registry
        self._executor = executor

    async def record(self, decision: Decision) -> None:
        """Enters an event. Raises RegistryError, RegistryConflictError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, lambda: self._registry().conclude(decision))
