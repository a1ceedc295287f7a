"""The gateway's lifecycle: opens ports, forwards requests, and drains those in flight."""

import asyncio
import gc
import logging
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import orjson
import uvloop
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]

from evergreen.serving.gateway import grpc_front, rest_front
from evergreen.serving.gateway.access import Doorman
from evergreen.serving.gateway.aside import Aside
from evergreen.serving.gateway.backend import Backend
from evergreen.serving.gateway.dispatch import Dispatcher, Forwarding
from evergreen.serving.gateway.follower import Expose, Follower
from evergreen.serving.gateway.grpc_front import MIB
from evergreen.serving.gateway.memory import Budget, Uploads
from evergreen.serving.gateway.metrics import Metrics
from evergreen.serving.gateway.prediction_log.files import Files
from evergreen.serving.gateway.prediction_log.recorder import Observe, Recorder
from evergreen.serving.gateway.registry import (
    Assignment,
    DecisionRecorder,
    StoredRegistry,
)
from evergreen.serving.gateway.rollout import Rollout
from evergreen.serving.gateway.secrets import Certificate, Keys
from evergreen.serving.lifetime import until_told
from evergreen.settings.gateway import GatewaySettings

if TYPE_CHECKING:
    from evergreen.lineage.registry import Registry

log = logging.getLogger(__name__)
STORE_SECONDS = 10.0
"""The longest wait for the registry; then its process is restarted."""
EXPOSE_SECONDS = 600.0
COPIES = 3
"""Copies of a request in flight: as received, with its version, and as sent."""
UPLOAD_SECONDS = 60.0
"""The longest time for a gRPC message to arrive."""
SHADOW_SECONDS = 1.0
SWITCH_SECONDS = 0.0005
"""The longest time that the log's thread may hold Python's lock while requests wait."""


def run(
    settings: GatewaySettings,
    model: str,
    registry: "Callable[[], Registry]",
    exposer: Callable[[], object] | None = None,
) -> None:
    """Forwards requests until SIGTERM or SIGINT, then drains.

    Args:
        settings: The gateway's settings.
        model: The model whose versions the gateway chooses.
        registry: Opens the model's registry, in a separate process; picklable.
        exposer: Creates an object whose `expose`, called in another process, makes the model
            servers serve what the registry exposes; picklable.

    Raises:
        EvergreenError: If the gateway cannot start.
    """
    gc.collect()
    gc.freeze()  # imported objects stay: exempts them from collections
    sys.setswitchinterval(SWITCH_SECONDS)
    uvloop.run(until_told(_serve(settings, model, registry, exposer)))


async def _serve(
    settings: GatewaySettings,
    model: str,
    registry: "Callable[[], Registry]",
    exposer: Callable[[], object] | None,
) -> None:
    """Forwards requests until cancelled, then drains."""
    opened = Aside(registry, STORE_SECONDS)
    try:
        await opened.call("events")  # if the store fails, it fails here
        expose = partial(_expose, exposer) if exposer else None
        stored = StoredRegistry(opened)
        gateway = Gateway(settings, model, stored, stored, expose)
        async with gateway.running():
            while True:
                await asyncio.sleep(settings.poll_seconds)
                await gateway.check()
    finally:
        opened.stop()


async def _expose(exposer: Callable[[], object]) -> None:
    """Exposes in a process for this one call: it is rare, and may take as long as models load."""
    servers = Aside(exposer, EXPOSE_SECONDS)
    try:
        log.info("%s", await servers.call("expose"))
    finally:
        servers.stop()


class Gateway:
    """A gateway, for a running event loop.

    Args:
        settings: The gateway's settings.
        model: The model whose versions the gateway chooses; other requests pass through.
        assignment: Names the wanted versions.
        decisions: Records the decisions about canaries.
        expose: Makes the model servers serve what the registry exposes; None if others do so.
        clock: Monotonic seconds, for the duration of steps.
        chances: Selects requests for the canary and for the log.

    Attributes:
        port: The gRPC port, once it runs.
        rest_port: The REST port, once it runs.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        model: str,
        assignment: Assignment,
        decisions: DecisionRecorder,
        expose: Expose | None = None,
        clock: Callable[[], float] = time.monotonic,
        chances: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.port = self.rest_port = 0
        self._model = model
        self._metrics = Metrics()
        self._status = health.HealthServicer()
        self._certificate = Certificate(*settings.tls.files) if settings.tls.files else None
        self._doorman = Doorman(
            Keys(settings.api_keys),
            Budget(settings.max_in_flight_mb * MIB),
            lambda reason: self._metrics.refused.labels(reason).inc(),
        )
        self._chances = chances or random.Random()  # noqa: S311
        self._rollout = Rollout(model, settings.canary, settings.limits, clock, self._chances)
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
            self._doorman.budget,
        )
        self._metrics.in_flight.set_function(lambda: self._doorman.budget.taken)
        self._metrics.log_alive.set_function(lambda: self._recorder.is_alive)

    async def check(self) -> None:
        """Checks registry, backend and canary once; called repeatedly."""
        try:
            if self._certificate:
                self._certificate.refresh()
            self._doorman.keys.refresh()
            await self._follower.check()
        except Exception:  # requests must still be answered, and the next check comes
            log.exception("gateway: what it looks at again and again")
            self._metrics.failures.labels("check").inc()

    async def settle(self) -> None:
        """Waits until all answers so far are observed, including those of copies."""
        await self._dispatcher.close()
        await asyncio.to_thread(self._recorder.settle)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answers requests; at the end tells probes, and waits for requests in flight.

        Raises:
            EvergreenError: If a port is taken, or a file of keys cannot be read.
        """
        async with self._backend:
            try:
                await self.check()
                async with self._fronts():
                    yield
            finally:
                # The log first: it is then written even if the process is killed while it drains.
                await self._dispatcher.close(SHADOW_SECONDS)
                await asyncio.to_thread(self._recorder.close)
                await self._follower.close()

    @asynccontextmanager
    async def _fronts(self) -> AsyncIterator[None]:
        settings = self.settings
        uploads = Uploads(COPIES * settings.max_in_flight_mb * MIB, UPLOAD_SECONDS)
        grpc, rest = self._make_fronts(uploads)
        answering, self.port = grpc_front.build(grpc, self._status, settings, self._certificate)
        app = rest_front.make_app(rest, self._metrics, self._state, settings.cors)
        listening = await rest_front.start(app, settings, self._certificate)
        self.rest_port = listening.port
        await answering.start()
        watching = asyncio.create_task(uploads.watch())
        log.info("gateway: gRPC on port %d, REST on port %d", self.port, self.rest_port)
        try:
            yield
        finally:
            await self._status.enter_graceful_shutdown()
            await asyncio.gather(answering.stop(rest_front.DRAIN_SECONDS), listening.cleanup())
            watching.cancel()

    def _make_fronts(self, uploads: Uploads) -> tuple[grpc_front.GrpcFront, rest_front.RestFront]:
        settings = self.settings
        shared = Forwarding(
            self._model,
            self._backend,
            self._dispatcher,
            settings.canary.sticky_header,
            self._doorman,
        )
        return (
            grpc_front.GrpcFront(shared, uploads),
            rest_front.RestFront(shared, settings.max_body_mb * MIB),
        )

    def _state(self) -> tuple[bool, bytes]:
        """Returns the health report for `/healthz`."""
        stable, canary = self._rollout.targets
        state = {
            "model": self._model,
            "well": self._follower.is_well,
            "stable": stable,
            "canary": canary,
            "canary_share": self._rollout.share,
            "log": {"alive": self._recorder.is_alive, "dropped": self._metrics.lost()},
            "registry": self._follower.registry_trouble or "read",
        }
        return self._follower.is_well, orjson.dumps(state)

    def _record(self) -> Recorder:
        settings, limits = self.settings.log, self.settings.limits
        files = Files(settings.folder, settings, time.monotonic) if settings.folder else None
        return Recorder(
            files,
            settings.sample,
            settings.queue_mb * MIB,
            settings.max_entry_mb * MIB,
            self._observer() if limits.output_divergence is not None else None,
            self._metrics,
            self._chances,
        )

    def _observer(self) -> Observe:
        loop = asyncio.get_running_loop()

        def observe(version: int, values: Mapping[str, float]) -> None:
            loop.call_soon_threadsafe(self._rollout.observe_outputs, version, values)

        return observe
