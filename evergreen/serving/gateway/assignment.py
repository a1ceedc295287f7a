"""Which versions get the traffic."""

import asyncio
from collections.abc import Callable, Set
from concurrent.futures import Executor
from typing import NamedTuple, Protocol

from evergreen.lineage import stages
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage


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
        registry: Opens it; called on a thread of the executor, as all that uses it.
        executor: Of one thread.
    """

    def __init__(self, registry: Callable[[], Registry], executor: Executor) -> None:
        self._registry = registry
        self._executor = executor

    async def current(self) -> Targets:
        """Returns what the registry says now."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read)

    def _read(self) -> Targets:
        found = stages.stages(self._registry().events())
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
