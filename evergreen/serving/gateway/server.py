"""The gateway's lifecycle: opens ports, forwards requests, and drains those in flight."""

import asyncio
import gc
import logging
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import orjson
import uvloop
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined]

from evergreen.serving.gateway import grpc_front, rest_front
from evergreen.serving.gateway.access import Doorman
from evergreen.serving.gateway.aside import Aside
from evergreen.serving.gateway.backend import Backend
from evergreen.serving.gateway.dispatch import Forwarding
from evergreen.serving.gateway.follower import NOT_SERVING, SERVING
from evergreen.serving.gateway.memory import MIB, Budget, Uploads
from evergreen.serving.gateway.metrics import Families
from evergreen.serving.gateway.model import GatewayModel, ModelSource
from evergreen.serving.gateway.registry import StoredRegistry
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


@dataclass(frozen=True)
class Registered:
    """A model in a registry; both functions are called in other processes, so they are picklable.

    Attributes:
        name: The model's name.
        settings: Of its canaries, limits and log.
        registry: Opens the model's registry.
        exposer: Creates an object whose `expose` makes the model servers serve what the registry
            exposes; None if others do so.
    """

    name: str
    settings: GatewaySettings
    registry: "Callable[[], Registry]"
    exposer: Callable[[], object] | None = None


def run(settings: GatewaySettings, models: Sequence[Registered]) -> None:
    """Forwards requests until SIGTERM or SIGINT, then drains.

    Args:
        settings: The gateway's settings.
        models: The models whose versions the gateway chooses.

    Raises:
        EvergreenError: If the gateway cannot start.
    """
    gc.collect()
    gc.freeze()  # imported objects stay: exempts them from collections
    sys.setswitchinterval(SWITCH_SECONDS)
    uvloop.run(until_told(_serve(settings, models)))


async def _serve(settings: GatewaySettings, models: Sequence[Registered]) -> None:
    """Forwards requests until cancelled, then drains."""
    registries = [Aside(model.registry, STORE_SECONDS) for model in models]
    try:
        # If the store fails, it fails here.
        await asyncio.gather(*(registry.call("events") for registry in registries))
        exposing = asyncio.Lock()
        sources = [
            ModelSource(
                model.name,
                model.settings,
                StoredRegistry(registry),
                partial(_expose, model.exposer, exposing) if model.exposer else None,
            )
            for model, registry in zip(models, registries, strict=True)
        ]
        gateway = Gateway(settings, sources)
        async with gateway.running():
            while True:
                await asyncio.sleep(settings.poll_seconds)
                await gateway.check()
    finally:
        for registry in registries:
            registry.stop()


async def _expose(exposer: Callable[[], object], exposing: asyncio.Lock) -> None:
    """Exposes in a process for this one call: it is rare, and may take as long as models load.

    Models are exposed one after another, since each exposure keeps what it finds of the others.
    """
    servers = Aside(exposer, EXPOSE_SECONDS)
    try:
        async with exposing:
            log.info("%s", await servers.call("expose"))
    finally:
        servers.stop()


class Gateway:
    """A gateway, for a running event loop.

    Args:
        settings: The gateway's settings.
        models: The models whose versions the gateway chooses; requests for others pass through.
        clock: Monotonic seconds, for the duration of steps.
        chances: Selects requests for the canary and for the log.

    Attributes:
        port: The gRPC port, once it runs.
        rest_port: The REST port, once it runs.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        models: Sequence[ModelSource],
        clock: Callable[[], float] = time.monotonic,
        chances: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.port = self.rest_port = 0
        self._metrics = Families()
        self._status = health.HealthServicer()
        self._certificate = Certificate(*settings.tls.files) if settings.tls.files else None
        self._doorman = Doorman(
            Keys(settings.api_keys),
            Budget(settings.max_in_flight_mb * MIB),
            lambda reason: self._metrics.refused.labels(reason).inc(),
        )
        self._backend = Backend(settings.backend)
        shared = self._backend, self._metrics, self._status, self._doorman.budget
        chances = chances or random.Random()  # noqa: S311
        self._models = [GatewayModel(source, *shared, clock, chances) for source in models]
        self._metrics.in_flight.set_function(lambda: self._doorman.budget.taken)

    async def check(self) -> None:
        """Checks registries, backend and canaries once; called repeatedly."""
        try:
            if self._certificate:
                self._certificate.refresh()
            self._doorman.keys.refresh()
            await asyncio.gather(*(model.follower.check() for model in self._models))
            await self._status.set("", SERVING if self._is_well else NOT_SERVING)
        except Exception:  # requests must still be answered, and the next check comes
            log.exception("gateway: what it looks at again and again")
            self._metrics.failures.labels("", "check").inc()

    async def settle(self) -> None:
        """Waits until all answers so far are observed, including those of copies."""
        await asyncio.gather(*(model.settle() for model in self._models))

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
                await asyncio.gather(*(model.close(SHADOW_SECONDS) for model in self._models))

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
        dispatchers = {model.name: model.dispatcher for model in self._models}
        shared = Forwarding(dispatchers, self._backend, self._doorman)
        return (
            grpc_front.GrpcFront(shared, uploads),
            rest_front.RestFront(shared, settings.max_body_mb * MIB),
        )

    @property
    def _is_well(self) -> bool:
        """Whether every model with a version can be asked for answers, and there is one."""
        models = [model for model in self._models if model.follower.is_wanted]
        return bool(models) and all(model.follower.is_well for model in models)

    def _state(self) -> tuple[bool, bytes]:
        """Returns the health report for `/healthz`: of the first model, and of each."""
        states = [model.state() for model in self._models]
        report = {**states[0], "well": self._is_well, "models": states}
        return self._is_well, orjson.dumps(report)
