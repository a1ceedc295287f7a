"""Follows registry and backend, and carries out the decisions about canaries."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, field

from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]
from grpc_health.v1.health_pb2 import HealthCheckResponse

from evergreen.errors import EvergreenError
from evergreen.serving.gateway.backend import Backend
from evergreen.serving.gateway.metrics import Metrics
from evergreen.serving.gateway.registry import (
    CanaryDecision,
    GatewayRegistry,
    Targets,
    usable,
)
from evergreen.serving.gateway.rollout import Rollout

log = logging.getLogger(__name__)
Expose = Callable[[], Awaitable[None]]
REGISTRY_SECONDS = 1.0
"""The longest wait of a request, or a check, for the registry; a later answer is used later."""
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


@dataclass(eq=False)
class Follower:
    """Keeps the rollout up to date.

    Args:
        model: The model's name.
        registry: Names the wanted versions, and records the decisions about canaries.
        backend: Names the loaded versions.
        rollout: Gets the usable versions.
        metrics: Shows the present state.
        status: gRPC's health service.
        expose: Makes the model servers serve what the registry exposes; None if others do so.
    """

    _model: str
    _registry: GatewayRegistry
    _backend: Backend
    _rollout: Rollout
    _metrics: Metrics
    _status: health.HealthServicer
    _expose: Expose | None
    _exposing: asyncio.Task[None] | None = None
    _exposed: tuple[Targets, frozenset[int]] | None = None
    _assigned: Targets = field(default_factory=Targets)
    _refreshing: asyncio.Task[None] | None = None
    _reading: asyncio.Task[None] | None = None
    _is_silent: bool = False
    _recording: asyncio.Task[bool] | None = None
    _complaint: str = ""
    _told: set[str] = field(default_factory=set)
    is_well: bool = False
    """Whether requests can be answered."""
    registry_trouble: str = ""
    """The reason why the registry cannot be read; empty if it can."""

    @property
    def is_wanted(self) -> bool:
        """Whether the registry names a version to serve, or cannot be read."""
        return self._assigned.stable is not None or bool(self.registry_trouble)

    async def check(self) -> None:
        """Checks everything once, and carries out decisions."""
        await self.refresh()
        if self._recording is None:
            decision = self._rollout.decide()
            self._recording = asyncio.create_task(self._record(decision)) if decision else None
        if self._recording:
            done, _ = await asyncio.wait({self._recording}, timeout=REGISTRY_SECONDS)
            if done:
                written, self._recording = self._recording.result(), None
                if written:
                    await self.refresh()
        await self._show()

    async def refresh(self) -> None:
        """Updates the list of loaded versions; concurrent callers share one update."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        available, _ = await asyncio.gather(self._available(), self._consult())
        targets = usable(self._assigned, available, self._rollout.targets)
        self._rollout.assign(targets, self._assigned.canary)
        self.is_well = available is not None and targets.stable in available
        if available is not None:
            self._see_to(available)

    async def _available(self) -> Set[int] | None:
        try:
            return await self._backend.available(self._model)
        except Exception as error:  # something other than a model server answers
            self._tell("the model server's answer cannot be read", repr(error), logging.WARNING)
            return None

    async def _consult(self) -> None:
        """Reads the registry. If it hangs, waits only briefly and keeps the present state."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        elif self._is_silent:
            return
        done, _ = await asyncio.wait({self._reading}, timeout=REGISTRY_SECONDS)
        self._is_silent = not done

    async def _read(self) -> None:
        try:
            self._assigned = await self._registry.current()
            self.registry_trouble = ""
        except Exception as error:  # any error of a store: the present state stays
            self.registry_trouble = f"the registry cannot be read: {error}"
            self._metrics.failures.labels("registry").inc()
        self._complain(self.registry_trouble)

    def _see_to(self, available: Set[int]) -> None:
        """Exposes the wanted versions, once for each change of them or of the loaded versions.

        At the start, servers that have them already are left alone.
        """
        if self._expose is None or (self._exposing and not self._exposing.done()):
            return
        state = self._assigned, frozenset(available)
        there = set(self._assigned) - {None} <= available
        is_new = self._exposed is not None and self._exposed[0] != self._assigned
        if state != self._exposed and (is_new or not there):
            self._exposing = asyncio.create_task(self._run_expose(self._expose))
        self._exposed = state

    async def _run_expose(self, expose: Expose) -> None:
        try:
            await expose()
        except Exception as error:  # any error of a store or server: the present state stays
            log.error("the model servers are not told: %s", error)

    async def close(self) -> None:
        """Waits until the servers have followed the decisions."""
        if self._exposing:
            await self._exposing

    async def _record(self, decision: CanaryDecision) -> bool:
        """Records a decision; returns whether it succeeded: if not, the next check tries again."""
        text = "; ".join(f"{name}: {value}" for name, value in decision.evidence.items())
        verdict = f"{decision.verdict} version {decision.version}"
        self._tell(verdict, f"{decision.why}; {text}", logging.WARNING)
        try:
            await self._registry.record(decision)
        except EvergreenError as error:
            again = "it is tried again"
            self._tell(f"{verdict} is not written down: {error}", again, logging.ERROR)
            return False
        except Exception:  # any error of a store: requests must still be answered
            log.exception("version %d: the decision is not written down", decision.version)
            return False
        self._told.clear()
        self._metrics.decisions.labels(decision.verdict).inc()
        return True

    def _tell(self, what: str, detail: str, level: int) -> None:
        """Logs a repeated failure only once."""
        if what not in self._told:
            log.log(level, "%s; %s", what, detail)
        self._told.add(what)

    async def _show(self) -> None:
        stable, canary = self._rollout.targets
        self._metrics.stable.set(stable or 0)
        self._metrics.canary.set(canary or 0)
        self._metrics.share.set(self._rollout.share)
        self._metrics.backend_up.set(self.is_well)
        await self._status.set(self._model, SERVING if self.is_well else NOT_SERVING)

    def _complain(self, text: str) -> None:
        """Logs a problem when it arises, and not at each check."""
        if text and text != self._complaint:
            log.warning("gateway: %s", text)
        self._complaint = text
