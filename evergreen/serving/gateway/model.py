"""One model behind the gateway: its rollout, the dispatch of its requests, and their log."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]

from evergreen.serving.gateway.backend import Backend
from evergreen.serving.gateway.dispatch import Dispatcher
from evergreen.serving.gateway.follower import Expose, Follower
from evergreen.serving.gateway.memory import MIB, Budget
from evergreen.serving.gateway.metrics import Families, Metrics
from evergreen.serving.gateway.prediction_log.files import Files
from evergreen.serving.gateway.prediction_log.recorder import Observe, Recorder
from evergreen.serving.gateway.registry import GatewayRegistry
from evergreen.serving.gateway.rollout import Rollout
from evergreen.settings.gateway import GatewaySettings


@dataclass(frozen=True)
class ModelSource:
    """Where a model's versions come from, and where its decisions go.

    Attributes:
        name: The model's name.
        settings: Of its canaries, limits and log; ports, keys and backend are the gateway's.
        registry: Names the wanted versions, and records the decisions about canaries.
        expose: Makes the model servers serve what the registry exposes; None if others do so.
    """

    name: str
    settings: GatewaySettings
    registry: GatewayRegistry
    expose: Expose | None = None


class GatewayModel:
    """A model whose versions the gateway chooses, for a running event loop.

    Args:
        source: The model.
        backend: Receives its requests.
        families: The gateway's metrics.
        status: gRPC's health service.
        budget: The budget of bytes in flight.
        clock: Monotonic seconds, for the duration of steps.
        chances: Selects requests for the canary and for the log.
    """

    def __init__(
        self,
        source: ModelSource,
        backend: Backend,
        families: Families,
        status: health.HealthServicer,
        budget: Budget,
        clock: Callable[[], float],
        chances: random.Random,
    ) -> None:
        settings = source.settings
        self.name = source.name
        self._metrics = Metrics(source.name, families)
        self._rollout = Rollout(source.name, settings.canary, settings.limits, clock, chances)
        self._recorder = self._record(settings, chances)
        self.follower = Follower(
            source.name,
            source.registry,
            backend,
            self._rollout,
            self._metrics,
            status,
            source.expose,
        )
        self.dispatcher = Dispatcher(
            self._rollout,
            self._metrics,
            self._recorder,
            self.follower.refresh,
            settings.canary,
            budget,
        )
        self._metrics.log_alive.set_function(lambda: self._recorder.is_alive)

    async def settle(self) -> None:
        """Waits until all answers so far are observed, including those of copies."""
        await self.dispatcher.close()
        await asyncio.to_thread(self._recorder.settle)

    async def close(self, seconds: float) -> None:
        """Writes the log, and waits for the servers to follow the decisions.

        Args:
            seconds: The longest wait for copies of requests.
        """
        # The log first: it is then written even if the process is killed while it drains.
        await self.dispatcher.close(seconds)
        await asyncio.to_thread(self._recorder.close)
        await self.follower.close()

    def state(self) -> dict[str, Any]:
        """Returns the details for `/healthz`."""
        stable, canary = self._rollout.targets
        return {
            "model": self.name,
            "well": self.follower.is_well,
            "stable": stable,
            "canary": canary,
            "canary_share": self._rollout.share,
            "log": {"alive": self._recorder.is_alive, "dropped": self._metrics.lost()},
            "registry": self.follower.registry_trouble or "read",
        }

    def _record(self, settings: GatewaySettings, chances: random.Random) -> Recorder:
        log, limits = settings.log, settings.limits
        return Recorder(
            Files(log.folder, log, time.monotonic) if log.folder else None,
            log.sample,
            log.queue_mb * MIB,
            log.max_entry_mb * MIB,
            self._observer() if limits.output_divergence is not None else None,
            self._metrics,
            chances,
        )

    def _observer(self) -> Observe:
        loop = asyncio.get_running_loop()

        def observe(version: int, values: Mapping[str, float]) -> None:
            loop.call_soon_threadsafe(self._rollout.observe_outputs, version, values)

        return observe
