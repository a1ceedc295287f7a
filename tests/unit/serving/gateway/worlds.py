"""A gateway before a model server, on real ports, and clients of both APIs."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import numpy as np

from evergreen.serving.client.tensors import fill, to_array
from evergreen.serving.gateway.follower import Expose
from evergreen.serving.gateway.model import ModelSource
from evergreen.serving.gateway.registry import CanaryDecision, CanaryVerdict, Targets
from evergreen.serving.gateway.server import Gateway
from evergreen.serving.protos import PredictionServiceStub, PredictRequest
from evergreen.settings.gateway import GatewaySettings
from tests.unit.serving.gateway.backend import MODEL, Answer, Server, alike, good

LENIENT = {"latency_ratio": None}
"""A machine that is busy with other things must not decide a test."""


CANARY = Targets(1, 2)


@dataclass
class Wanted:
    """Which versions are wanted, and what was decided: a registry without a store."""

    targets: Targets = CANARY
    decisions: list[CanaryDecision] = field(default_factory=list)
    refuses: Exception | None = None

    async def current(self) -> Targets:
        return self.targets

    async def record(self, decision: CanaryDecision) -> None:
        if self.refuses:
            raise self.refuses
        self.decisions.append(decision)
        promoted = decision.verdict is CanaryVerdict.PROMOTE
        self.targets = Targets(decision.version if promoted else self.targets.stable, None)


class Clock:
    """Time stands still, until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """What a test sees."""

    gateway: Gateway
    server: Server
    wanted: Wanted
    clock: Clock
    session: aiohttp.ClientSession
    channel: grpc.aio.Channel

    @property
    def stub(self) -> PredictionServiceStub:
        return PredictionServiceStub(self.channel)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.rest_port}"

    async def predict(self, x: Sequence[float] = (1.0,), **options: Any) -> tuple[int, list[float]]:
        """Asks by gRPC; returns the version that answered, and its answer."""
        response = await self.stub.Predict(request(x), **options)
        version = response.model_spec.version.value
        return version, to_array(response.outputs["y"]).tolist()

    async def post(self, x: Sequence[float] = (1.0,), **options: Any) -> tuple[int, Any]:
        """Asks by REST; returns the version that answered, and the body."""
        url = f"{self.url}/v1/models/{MODEL}:predict"
        async with self.session.post(url, json={"instances": list(x)}, **options) as response:
            body = await response.json()
            assert response.status == 200, body
            return int(response.headers["x-model-version"]), body

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.get(f"{self.url}{path}", **options) as response:
            return response.status, await response.read()

    async def flood(self, count: int, seed: int = 0) -> list[int]:
        """Asks often, 16 requests at a time; returns who answered, 0 for errors."""
        rows = np.random.default_rng(seed).normal(size=count)
        limit = asyncio.Semaphore(16)

        async def ask(x: float) -> int:
            async with limit:
                try:
                    version, _ = await self.predict([x])
                except grpc.aio.AioRpcError:
                    return 0
                return version

        answers = await asyncio.gather(*map(ask, rows))
        await self.gateway.settle()
        return answers

    async def metric(self, name: str, **labels: str) -> float:
        """Sums the samples of a metric whose labels are as given."""
        _, text = await self.get("/metrics")
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = (line for line in text.decode().splitlines() if line.startswith(name))
        return sum(
            float(line.split()[-1]) for line in lines if all(text in line for text in wanted)
        )


def request(x: Sequence[float] = (1.0,), **spec: Any) -> PredictRequest:
    """A request; `spec` may name version or version_label."""
    message = PredictRequest()
    message.model_spec.name = spec.pop("name", MODEL)
    if "version" in spec:
        message.model_spec.version.value = spec["version"]
    if "label" in spec:
        message.model_spec.version_label = spec["label"]
    fill(message.inputs["x"], np.array(x, np.float32))
    return message


@asynccontextmanager
async def world(
    versions: dict[int, Answer] | None = None,
    wanted: Wanted | None = None,
    backend: dict[str, Any] | None = None,
    expose: Expose | None = None,
    others: dict[str, Wanted] | None = None,
    **settings: Any,
):
    """Runs a gateway; without more: version 1 is stable, 2 a canary that gets half of it."""
    server = Server(versions or {1: good, 2: alike})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server.running())
        addresses = {
            "grpc": f"127.0.0.1:{server.grpc_port}",
            "rest": f"127.0.0.1:{server.rest_port}",
        }
        values = {
            "port": 0,
            "rest_api_port": 0,
            "backend": addresses | (backend or {}),
            "canary": {"steps": [50], "hold_seconds": 100},
            "limits": LENIENT,
        }
        parsed = GatewaySettings.model_validate(values | settings)
        there, clock = wanted or Wanted(), Clock()
        all_wanted = {MODEL: there, **(others or {})}
        server.models = set(all_wanted)
        models = [
            ModelSource(name, parsed, each, expose if name == MODEL else None)
            for name, each in all_wanted.items()
        ]
        gateway = Gateway(parsed, models, clock, random.Random(7))
        await stack.enter_async_context(gateway.running())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(f"127.0.0.1:{gateway.port}")
        )
        yield World(gateway, server, there, clock, session, channel)
