"""Which versions get the traffic."""

from collections.abc import Set
from typing import NamedTuple, Protocol

from evergreen.lineage import stages
from evergreen.lineage.stages import Stage
from evergreen.serving.gateway.aside import Aside


class Targets(NamedTuple):
    """Versions of the model, None if there is none."""

    stable: int | None = None
    canary: int | None = None


class Assignment(Protocol):
    """Tells which versions are to get the traffic."""

    async def current(self) -> Targets:
        """Returns what holds now."""


class RegistryAssignment:
    """The stages of the registry: the version that is serving, and the canary.

    Args:
        registry: A `Registry`, in a process of its own.
    """

    def __init__(self, registry: Aside) -> None:
        self._registry = registry

    async def current(self) -> Targets:
        """Returns what the registry says now. Raises EvergreenError, RuntimeError."""
        found = stages.stages(await self._registry.call("events"))
        versions = {stage: version for version, stage in found.items()}
        return Targets(versions.get(Stage.SERVING), versions.get(Stage.CANARY))


def usable(assigned: Targets, available: Set[int] | None, current: Targets) -> Targets:
    """Returns the versions to send requests to: only those that the backend has loaded.

    Args:
        assigned: What is wanted.
        available: What the backend has loaded; None if it does not answer.
        current: Who gets requests now. The stable one keeps them until the next is loaded.
    """
    if available is None:
        stable = current.stable or assigned.stable
        return Targets(stable, assigned.canary if assigned.canary == current.canary else None)
    keeps = assigned.stable not in available and current.stable in available
    stable = current.stable if keeps else assigned.stable
    canary = assigned.canary if assigned.canary in available else None
    return Targets(stable, canary if canary != stable else None)
