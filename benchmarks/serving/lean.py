"""A closed loop of clients that costs as little as Python can.

Locust, which `evergreen loadtest` uses, takes several times more of a processor for a request; on a
machine of two cores that it shares with the server, it would measure itself.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count, cycle
from typing import TypeVar

import aiohttp
import grpc
import uvloop

from benchmarks.serving.result import Load
from evergreen.serving.loadtest.plan import PREDICT

WARM_UP = 1.0
"""Seconds at the start that do not count."""
ERROR = 400
_numbers = count()
Payload = TypeVar("Payload")
Ask = Callable[[bytes], Awaitable[None]]
"""Raises `FAILURES` if there is no good answer."""
FAILURES = (grpc.RpcError, aiohttp.ClientError, TimeoutError)
Connect = Callable[[], AbstractAsyncContextManager[Ask]]


@asynccontextmanager
async def over_grpc(host: str) -> AsyncIterator[Ask]:
    """A client by gRPC, on a connection of its own; bytes in, bytes out."""
    options = [("evergreen.client", next(_numbers))]
    async with grpc.aio.insecure_channel(host, options=options) as channel:
        call = channel.unary_unary(PREDICT)

        async def ask(payload: bytes) -> None:
            await call(payload, timeout=30)

        yield ask


@asynccontextmanager
async def over_http(url: str) -> AsyncIterator[Ask]:
    """A client by HTTP, on a connection of its own that stays open."""
    headers = {"content-type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def ask(payload: bytes) -> None:
            async with session.post(url, data=payload) as response:
                body = await response.read()
                if response.status >= ERROR:
                    raise aiohttp.ClientError(f"HTTP {response.status}: {body[:200]!r}")

        yield ask


class Clients:
    """Clients that each send their next request when their last is answered.

    Attributes:
        ended: When each answer came, on the clock of `time.perf_counter`.
        latencies: Seconds of each answer.
        failures: What went wrong, when.
    """

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.ended: list[float] = []
        self.latencies: list[float] = []
        self.failures: list[tuple[float, str]] = []
        self._payloads = payloads

    async def run(self, connect: Connect, clients: int, seconds: float) -> None:
        """Asks for so long, after the warm-up."""
        start = time.perf_counter() + WARM_UP
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(self._loop(connect, number, start, start + seconds))

    async def _loop(self, connect: Connect, number: int, start: float, end: float) -> None:
        payloads, at = self._payloads, number
        async with connect() as ask:
            while (began := time.perf_counter()) < end:
                at += 1
                try:
                    await ask(payloads[at % len(payloads)])
                except FAILURES as error:
                    self.failures.append((time.perf_counter(), str(error)))
                    continue
                now = time.perf_counter()
                if start <= now < end:
                    self.ended.append(now)
                    self.latencies.append(now - began)


def one_by_one(
    call: Callable[[Payload], object], payloads: Sequence[Payload], seconds: float, rows: int
) -> Load:
    """Calls again and again, each when the one before has returned: one client, without a loop.

    Args:
        call: Returns when it is answered.
        payloads: What it is called with, in turn.
        seconds: For how long.
        rows: In a payload.
    """
    latencies: list[float] = []
    start = time.perf_counter() + WARM_UP
    for payload in cycle(payloads):
        began = time.perf_counter()
        call(payload)
        now = time.perf_counter()
        if now >= start + seconds:
            break
        if now >= start:
            latencies.append(now - began)
    return Load.of(latencies, 0, seconds, rows)


def blocking(host: str, payloads: Sequence[bytes], seconds: float, rows: int) -> Load:
    """One client by gRPC that waits for each answer, as a script does."""
    with grpc.insecure_channel(host) as channel:
        call = channel.unary_unary(PREDICT)
        return one_by_one(lambda payload: call(payload, timeout=30), payloads, seconds, rows)


def measure(
    connect: Connect,
    payloads: Sequence[bytes],
    clients: int,
    seconds: float,
    rows: int,
) -> Load:
    """Puts a closed loop on a server.

    Args:
        connect: Opens the connection of a client.
        payloads: Requests, sent in turn.
        clients: How many.
        seconds: For how long.
        rows: In a request.
    """
    loop = Clients(payloads)
    uvloop.run(loop.run(connect, clients, seconds))
    return Load.of(loop.latencies, len(loop.failures), seconds, rows)
