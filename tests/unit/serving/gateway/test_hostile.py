"""Thousands of hostile requests, to a gateway process whose model server answers them all well.

So each gets as far as it can: through routing, to the log of predictions.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import grpc
import pytest

from evergreen.serving.gateway.backend import METHODS, PREDICTION
from evergreen.serving.protos import PredictionServiceStub
from tests.fuzzing import cases
from tests.unit.serving.gateway.agreeable import Running, gateway
from tests.unit.serving.gateway.backend import MODEL
from tests.unit.serving.gateway.worlds import request

PATH = f"/v1/models/{MODEL}"
WORDS = ("instances", "inputs", "signature_name", "context", "examples", "b64", "x", "", "\ud800")
LEAVES = (
    "1",
    "1e999",
    "-0",
    "NaN",
    "null",
    "true",
    '"a"',
    '"\\ud800"',
    '""',
    "9" * 400,
    "[]",
    "{}",
)
HEADERS = (
    "Host: \xff", "Host: a b", "Host:", "Content-Type: application/json; charset=nope",
    "Content-Type: \xff", "Content-Encoding: gzip", "Content-Encoding: nope",
    "Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 99999999999",
    "Content-Length: 7", "X-Request-Id: \xff\x01", "Authorization: Bearer", "Connection: upgrade",
    "Expect: 100-continue", "X-User: \udcff".encode(errors="surrogateescape").decode("latin-1"),
)  # fmt: skip
LINES = (
    f"POST {PATH}:predict HTTP/1.1", f"POST {PATH}/versions/{10**30}:predict HTTP/1.1",
    f"POST {PATH}/versions/-1:predict HTTP/1.1", f"POST {PATH}/labels/%00:predict HTTP/1.1",
    "POST /v1/models/%ff:predict HTTP/1.1", "POST /v1/models/..%2f..:classify HTTP/1.1",
    f"POST {PATH}:regress HTTP/1.1", f"GET {PATH}/metadata HTTP/1.1", f"HEAD {PATH} HTTP/1.1",
    f"OPTIONS {PATH}:predict HTTP/1.1", "GET /healthz HTTP/1.1", "GET //v1//models HTTP/1.1",
    f"TRACE {PATH} HTTP/1.1", "CONNECT a:1 HTTP/1.1", "GET http://other/v1/x HTTP/1.1",
    "PRI * HTTP/2.0", "\x16\x03\x01", f"POST {PATH}:predict HTTP/9.9", f"GET {PATH}?{'a' * 9000}",
)  # fmt: skip


def text(rng: random.Random, depth: int = 0) -> str:
    """JSON, of a kind: names that stand twice, numbers that are none, deep or cut off."""
    kind = rng.random()
    if depth > 4 or kind < 0.3:
        return rng.choice(LEAVES)
    parts = [text(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind < 0.6:
        return f"[{','.join(parts)}]"
    names = (json.dumps(rng.choice(WORDS)) for _ in parts)
    return "{" + ",".join(f"{name}:{part}" for name, part in zip(names, parts, strict=True)) + "}"


def body(rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.1:
        return rng.randbytes(rng.randrange(200))
    if kind < 0.13:
        return rng.choice((b"[", b'{"instances":')) * 20_000
    fields = [f'"{rng.choice(WORDS[:5])}": {text(rng)}' for _ in range(rng.randrange(1, 4))]
    whole = "{" + ", ".join(fields) + "}"
    if kind < 0.2:
        whole = whole[: rng.randrange(len(whole))]
    return whole.encode(errors="surrogatepass")


def message(rng: random.Random) -> bytes:
    """A request whose bytes are changed, repeated or cut; or one that says more than it has."""
    asked = request([1.0, 2.0])
    shape = asked.inputs["x"].tensor_shape
    if rng.random() < 0.3:
        shape.dim.add(size=rng.choice((2**28, 2**62, -1, 0)))
        asked.inputs["x"].dtype = rng.randrange(25)
    data = bytearray(asked.SerializeToString() * rng.choice((1, 1, 2)))
    for _ in range(rng.randrange(4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)


async def raw(here: Running, rng: random.Random) -> str:
    """Sends bytes as they are; returns the status."""
    sent = body(rng) if rng.random() < 0.5 else b""
    head = [
        rng.choice(LINES),
        *rng.sample(HEADERS, rng.randrange(4)),
        f"Content-Length: {len(sent)}",
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(here.rest_port))
    with closing(writer), suppress(ConnectionError):
        writer.write("\r\n".join([*head, "\r\n"]).encode("latin-1", "replace") + sent)
        writer.write_eof()
        line = b""
        with suppress(TimeoutError):  # what is not complete is waited for
            line = await asyncio.wait_for(reader.readline(), 0.2)
        return line.decode("latin-1").partition(" ")[2][:3]
    return ""


async def posted(here: Running, rng: random.Random) -> str:
    verb = rng.choice(("predict", "predict", "classify", "regress"))
    url = f"http://127.0.0.1:{here.rest_port}{PATH}{rng.choice(('', '/versions/1'))}:{verb}"
    async with here.session.post(url, data=body(rng)) as answer:
        return str(answer.status)


async def called(here: Running, channel: grpc.aio.Channel, rng: random.Random) -> str:
    call = channel.unary_unary(rng.choice(METHODS[:4]))(message(rng), timeout=60)
    return (await call.code()).name


async def attack(here: Running, channel: grpc.aio.Channel, seeds: range) -> None:
    lines = await in_turn(seeds, lambda rng: raw(here, rng))
    posts = await in_turn(seeds, lambda rng: posted(here, rng))
    calls = await in_turn(seeds, lambda rng: called(here, channel, rng))
    assert not [status for status in lines | posts if status.startswith("5")]
    assert set(calls) == {"OK"}
    # Millions of empty tasks are a few megabytes, until somebody parses them.
    await channel.unary_unary(f"{PREDICTION}/MultiInference")(b"\n\0" * 2_000_000)


async def in_turn(seeds: range, ask: Callable[[random.Random], Awaitable[str]]) -> Counter[str]:
    """Asks with each seed, 32 at a time."""
    limit = asyncio.Semaphore(32)

    async def ask_one(seed: int) -> str:
        async with limit:
            return await ask(random.Random(seed))

    return Counter(await asyncio.gather(*map(ask_one, seeds)))


@pytest.mark.fuzz
def test_hostile_requests_end_nothing_and_take_no_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        log = {"folder": str(tmp_path / "log"), "rotate_rows": 500, "rotate_seconds": 1000}
        async with (
            gateway(tmp_path, log=log) as here,
            grpc.aio.insecure_channel(f"127.0.0.1:{here.port}") as channel,
        ):
            count = cases(1000)
            await attack(here, channel, range(count))
            before = here.mib("VmRSS")  # the allocator keeps some of the first, and no more later
            await attack(here, channel, range(count, 2 * count))
            assert here.mib("VmRSS") - before < 64
            health = await here.health()
            assert health["log"]["alive"]
            assert health["log"]["dropped"] > count / 2
            written = await here.metric("log_rows_total")
            stub = PredictionServiceStub(channel)
            while await here.metric("log_rows_total") == written:  # predictions are logged on
                await asyncio.gather(*(stub.Predict(request()) for _ in range(100)))
            assert await here.metric("failures_total") == 0
            await here.end()
            assert here.process.returncode == 0
            assert "Traceback" not in "".join(here.said)

    asyncio.run(scenario())
