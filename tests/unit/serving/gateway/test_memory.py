"""Strangers, and too many requests at once, cannot exhaust a gateway's memory."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import grpc
import pytest

from evergreen.serving.gateway import memory, server
from evergreen.serving.protos import PredictionServiceStub
from tests.unit.serving.gateway.agreeable import Running, gateway
from tests.unit.serving.gateway.backend import MODEL
from tests.unit.serving.gateway.worlds import request, world

CLIENT = """
import asyncio, collections, sys, grpc
OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
PREDICT = "/tensorflow.serving.PredictionService/Predict"
async def main(port, key, path, calls):
    data = b"x" * 60_000_000
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", OPTIONS) for _ in range(5)]
    async def ask(number):
        call = channels[number % 5].unary_unary(path)
        try:
            await call(data, timeout=100, metadata=[("x-api-key", key)])
            return "OK"
        except grpc.aio.AioRpcError as error:
            return error.code().name
    codes = collections.Counter(await asyncio.gather(*map(ask, range(int(calls)))))
    print(",".join(f"{name} {count}" for name, count in codes.items()))
asyncio.run(main(*sys.argv[1:]))
"""
PREDICT = "/tensorflow.serving.PredictionService/Predict"
CHECK = "/grpc.health.v1.Health/Check"
URL = f"/v1/models/{MODEL}:predict"


async def big_calls(here: Running, key: str, path: str, calls: int) -> Counter[str]:
    """Sends 60 MB each, from a process of its own."""
    command = [sys.executable, "-c", CLIENT, here.port, key, path, str(calls)]
    client = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await client.communicate()
    pairs = (text.rsplit(" ", 1) for text in out.decode().strip().split(","))
    return Counter({name: int(count) for name, count in pairs})


def test_who_has_no_key_takes_no_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path, key="secret") as here:
            before = here.mib("VmRSS")
            assert await big_calls(here, "wrong", PREDICT, 30) == {"UNAUTHENTICATED": 30}
            # The health service is for everybody; it reads nothing.
            assert set(await big_calls(here, "", CHECK, 20)) <= {"OK", "CANCELLED"}
            body = b" " * 60_000_000
            for _ in range(3):
                async with here.session.post(
                    f"http://127.0.0.1:{here.rest_port}{URL}", data=body, headers={"x-api-key": ""}
                ) as answer:
                    assert answer.status == 401
            assert here.mib("VmHWM") - before < 16

    asyncio.run(scenario())


def test_bytes_in_flight_have_one_budget(tmp_path: Path) -> None:
    """More than it is RESOURCE_EXHAUSTED, or 503; small requests are answered meanwhile."""

    async def scenario() -> None:
        async with gateway(tmp_path, key="secret", max_in_flight_mb=128) as here:
            before, small = here.mib("VmRSS"), asyncio.create_task(ask_small(here))
            codes = await big_calls(here, "secret", PREDICT, 40)
            assert set(codes) <= {"OK", "RESOURCE_EXHAUSTED"}
            assert codes["OK"]
            assert codes["RESOURCE_EXHAUSTED"]
            assert await small == {"OK"}
            # Three copies of 128 MB, and what may come until one looks again: of 2.4 GB in all.
            assert here.mib("VmHWM") - before < 1000
            assert await here.metric("in_flight_bytes") == 0

    asyncio.run(scenario())


async def ask_small(here: Running) -> set[str]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{here.port}") as channel:
        stub, codes = PredictionServiceStub(channel), set()
        for _ in range(100):
            call = stub.Predict(request(), metadata=[("x-api-key", "secret")])
            codes.add((await call.code()).name)
            await asyncio.sleep(0)
    return codes


def test_messages_that_do_not_come_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be so many; the newest of more are refused, and what comes at once is answered."""
    monkeypatch.setattr(memory, "MAX_SLOW", 2)

    async def scenario() -> None:
        async with world() as here:
            let_go = asyncio.Event()

            async def late():
                await let_go.wait()
                yield request().SerializeToString()

            method = here.channel.stream_unary(PREDICT)
            calls = [asyncio.ensure_future(code(method(late()))) for _ in range(10)]
            refused: set[asyncio.Future[str]] = set()
            while len(refused) < 8:
                refused, _ = await asyncio.wait(calls, timeout=0.1)
                assert (await here.predict())[1]
            let_go.set()
            assert Counter(await asyncio.gather(*calls)) == {"RESOURCE_EXHAUSTED": 8, "OK": 2}
            assert await here.metric("evergreen_gateway_refused_total", reason="memory") == 8

    asyncio.run(scenario())


def test_a_message_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "UPLOAD_SECONDS", 0.5)

    async def scenario() -> None:
        async with world() as here:

            async def never():
                await asyncio.Event().wait()
                yield b""

            assert await code(here.channel.stream_unary(PREDICT)(never())) == "DEADLINE_EXCEEDED"

    asyncio.run(scenario())


async def code(call: grpc.aio.StreamUnaryCall) -> str:
    return (await call.code()).name


def test_bodies_of_rest_count_as_they_come() -> None:
    async def scenario() -> None:
        async with world(max_body_mb=1, max_in_flight_mb=1) as here:
            let_go = asyncio.Event()

            async def half():
                yield b'{"instances": [' + b" " * 700_000
                await let_go.wait()
                yield b"1.0]}"

            url = f"{here.url}{URL}"
            first = asyncio.create_task(here.session.post(url, data=half()).__aenter__())
            while await here.metric("evergreen_gateway_in_flight_bytes") < 700_000:
                await asyncio.sleep(0.01)
            async with here.session.post(url, data=b" " * 700_000) as second:
                assert second.status == 503
                assert "in flight" in (await second.json())["error"]
            let_go.set()
            assert (await first).status == 200
            assert await here.metric("evergreen_gateway_in_flight_bytes") == 0

    asyncio.run(scenario())
