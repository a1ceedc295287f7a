"""The registry as the gateway uses it: which versions get traffic, and what became of canaries."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from evergreen.lineage import stages
from evergreen.lineage.stages import Stage
from evergreen.serving.gateway.aside import Aside
from evergreen.settings.gateway import GATEWAY


class Targets(NamedTuple):
    """Versions of the model; None for a version that does not exist."""

    stable: int | None = None
    canary: int | None = None


def usable(assigned: Targets, available: Set[int] | None, current: Targets) -> Targets:
    """Returns the assigned versions that the backend has loaded.

    Args:
        assigned: The wanted versions.
        available: The loaded versions; None if the backend does not answer.
        current: The present targets. The stable version keeps its requests until the next is
            loaded.
    """
    if available is None:
        stable = current.stable or assigned.stable
        return Targets(stable, assigned.canary if assigned.canary == current.canary else None)
    keeps = assigned.stable not in available and current.stable in available
    stable = current.stable if keeps else assigned.stable
    canary = assigned.canary if assigned.canary in available else None
    return Targets(stable, canary if canary != stable else None)


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


class GatewayRegistry(Protocol):
    """Names the versions that should get the traffic, and records what became of canaries."""

    async def current(self) -> Targets:
        """Returns the present assignment."""

    async def record(self, decision: CanaryDecision) -> None:
        """Records a decision, which then takes effect.

        Raises:
            EvergreenError: If that is impossible, or somebody else has decided.
        """


@dataclass(eq=False)
class StoredRegistry:
    """The registry in the metadata store: it assigns traffic, and records decisions.

    Args:
        registry: A `Registry` in a separate process.
    """

    _registry: Aside

    async def current(self) -> Targets:
        """Returns the serving version, and the canary. Raises EvergreenError, RuntimeError."""
        found = stages.stages(await self._registry.call("events"))
        versions = {stage: version for version, stage in found.items()}
        return Targets(versions.get(Stage.SERVING), versions.get(Stage.CANARY))

    async def record(self, decision: CanaryDecision) -> None:
        """Adds an event. Raises EvergreenError, RuntimeError."""
        stage, evidence = STAGES[decision.verdict], dict(decision.evidence)
        told = decision.version, stage, GATEWAY, decision.why, evidence
        await self._registry.call("conclude", *told, expect=decision.stable)
