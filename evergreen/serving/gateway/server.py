"""The gateway's life: ports are opened, requests forwarded, and those in flight waited for."""

import asyncio
import gc
import logging
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache, partial

import orjson
import uvloop
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]

from evergreen.lineage.registry import Registry
from evergreen.serving.gateway import grpc_front, rest_front
from evergreen.serving.gateway.access import Keys
from evergreen.serving.gateway.assignment import Assignment, RegistryAssignment
from evergreen.serving.gateway.backend import Backend
from evergreen.serving.gateway.decisions import Recorder as Decisions
from evergreen.serving.gateway.decisions import RegistryRecorder
from evergreen.serving.gateway.dispatch import Dispatcher
from evergreen.serving.gateway.following import Expose, Follower
from evergreen.serving.gateway.metrics import Metrics
from evergreen.serving.gateway.prediction_log.files import Files
from evergreen.serving.gateway.prediction_log.recorder import Observe, Recorder
from evergreen.serving.gateway.rollout import Rollout
from evergreen.serving.lifetime import until_told
from evergreen.settings.gateway import GatewaySettings

log = logging.getLogger(__name__)
SWITCH_SECONDS = 0.0005
"""How long the thread of the log may keep Python's lock while requests wait for it."""


def run(
    settings: GatewaySettings,
    model: str,
    registry: Callable[[], Registry],
    expose: Callable[[], str] | None = None,
) -> None:
    """Forwards requests until SIGTERM or SIGINT, then drains.

    Args:
        settings: Of the gateway.
        model: The model whose versions are chosen here.
        registry: Opens the registry of the model; called once, on a thread of its own.
        expose: Has the model servers serve what the registry exposes; called on any thread.

    Raises:
        EvergreenError: If the gateway cannot start.
    """
    gc.collect()
    gc.freeze()  # what was imported stays: collections need not look at it
    sys.setswitchinterval(SWITCH_SECONDS)
    executor = ThreadPoolExecutor(1, "registry")
    opened = cache(registry)
    executor.submit(opened).result()  # fails here if at all
    assignment = RegistryAssignment(opened, executor)
    decisions = RegistryRecorder(opened, executor)

    async def tell() -> None:
        assert expose
        log.info("%s", await asyncio.to_thread(expose))

    gateway = partial(Gateway, settings, model, assignment, decisions, tell if expose else None)
    uvloop.run(until_told(_serve(gateway, settings.poll_seconds)))


async def _serve(make: Callable[[], "Gateway"], poll_seconds: float) -> None:
    """Forwards requests until it is cancelled, then drains."""
    gateway = make()  # needs a running event loop
    async with gateway.running():
        while True:
            await asyncio.sleep(poll_seconds)
            await gateway.check()


class Gateway:
    """One gateway; it lives in a running event loop.

    Args:
        settings: Of the gateway.
        model: The model whose versions are chosen here; requests for others pass as they are.
        assignment: Tells which versions are wanted.
        decisions: Takes down what becomes of canaries.
        expose: Has the model servers serve what the registry exposes; None: others see to it.
        clock: Seconds from any start: how long a step was held.
        chances: Decides who gets the canary, and what is logged.

    Attributes:
        port: Of gRPC, once it runs.
        rest_port: Of REST, once it runs.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        model: str,
        assignment: Assignment,
        decisions: Decisions,
        expose: Expose | None = None,
        clock: Callable[[], float] = time.monotonic,
        chances: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.port = self.rest_port = 0
        self._model = model
        self._metrics = Metrics()
        self._status = health.HealthServicer()
        self._chances = chances or random.Random()  # noqa: S311
        self._rollout = Rollout(settings.canary, settings.limits, clock, self._chances)
        self._backend = Backend(settings.backend)
        self._recorder = self._record()
        self._follower = Follower(
            model,
            assignment,
            self._backend,
            self._rollout,
            decisions,
            self._metrics,
            self._status,
            expose,
        )
        self._dispatcher = Dispatcher(
            self._rollout,
            self._metrics,
            self._recorder,
            self._follower.refresh,
            settings.canary.shadow_limit,
        )

    async def check(self) -> None:
        """Looks once at registry, backend and canary; to be called again and again."""
        await self._follower.check()

    async def settle(self) -> None:
        """Waits until what was answered so far is observed, copies to canaries as well."""
        await self._dispatcher.close()
        await asyncio.to_thread(self._recorder.settle)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answers requests; at the end tells so to probes, and waits for those in flight.

        Raises:
            EvergreenError: If a port is taken, or a file of keys cannot be read.
        """
        async with self._backend:
            try:
                await self.check()
                async with self._fronts():
                    yield
            finally:
                await self._follower.close()
                await self._dispatcher.close()
                await asyncio.to_thread(self._recorder.close)

    @asynccontextmanager
    async def _fronts(self) -> AsyncIterator[None]:
        settings, keys = self.settings, Keys(self.settings.api_keys)
        grpc, rest = self._make_fronts(keys)
        answering, self.port = grpc_front.build(grpc, self._status, settings)
        app = rest_front.make_app(rest, keys, self._metrics, self._state, settings)
        runner, self.rest_port = await rest_front.start(app, settings)
        await answering.start()
        log.info("gateway: gRPC on port %d, REST on port %d", self.port, self.rest_port)
        try:
            yield
        finally:
            await self._status.enter_graceful_shutdown()
            await asyncio.gather(answering.stop(rest_front.DRAIN_SECONDS), runner.cleanup())

    def _make_fronts(self, keys: Keys) -> tuple[grpc_front.GrpcFront, rest_front.RestFront]:
        shared = self._model, self._backend, self._dispatcher, self.settings.canary.sticky_header
        refused = self._metrics.refused.labels("key").inc
        return grpc_front.GrpcFront(*shared, keys, refused), rest_front.RestFront(*shared)

    def _state(self) -> tuple[bool, bytes]:
        """What `/healthz` says."""
        stable, canary = self._rollout.targets
        state = {
            "model": self._model,
            "well": self._follower.is_well,
            "stable": stable,
            "canary": canary,
            "canary_share": self._rollout.share,
        }
        return self._follower.is_well, orjson.dumps(state)

    def _record(self) -> Recorder:
        settings, limits = self.settings.log, self.settings.limits
        files = Files(settings.folder, settings, time.monotonic) if settings.folder else None
        return Recorder(
            files,
            settings.sample,
            settings.queue_mb * grpc_front.MIB,
            self._observer() if limits.output_divergence is not None else None,
            self._metrics,
            self._chances,
        )

    def _observer(self) -> Observe:
        loop = asyncio.get_running_loop()

        def observe(version: int, values: Mapping[str, float]) -> None:
            loop.call_soon_threadsafe(self._rollout.observe_outputs, version, values)

        return observe
