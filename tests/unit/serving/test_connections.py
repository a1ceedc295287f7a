"""Connections that send nothing more keep nobody else out."""

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web

from evergreen.serving.connections import Limits, Listening, listen

BRIEF = Limits(connections=50, request_seconds=0.3, bytes_per_second=10**6, idle_seconds=60)
"""For what shall be closed."""
PATIENT = Limits(connections=50, request_seconds=60, idle_seconds=60)
"""For what shall not be, however slow this machine is."""
HEAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n"
HELD, FREE = web.AppKey("held", asyncio.Event), web.AppKey("free", asyncio.Event)
LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
Run = Callable[[Awaitable[Any]], Any]
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def app() -> web.Application:
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=f"{len(await request.read())} bytes")

    async def hold(request: web.Request) -> web.Response:
        request.app[HELD].set()
        await request.app[FREE].wait()
        return web.Response(text="held")

    made = web.Application()
    made[HELD], made[FREE] = asyncio.Event(), asyncio.Event()
    made.router.add_route("*", "/", read)
    made.router.add_get("/hold", hold)
    return made


async def half_sent(served: Listening, sent: bytes) -> Line:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def get(served: Listening, path: str = "/") -> str:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{served.port}{path}") as answer,
    ):
        return await answer.text()


@LOOPS
@pytest.mark.parametrize(
    ("sent", "told"),
    [(b"", b""), (b"GET / HT", b"408"), (HEAD[:-2], b"408"), (HEAD, b""), (HEAD + b"abc", b"")],
)
def test_half_sent_requests_are_closed(run: Run, sent: bytes, told: bytes) -> None:
    async def checks() -> None:
        served = await listen(app(), "127.0.0.1", 0, BRIEF)
        lines = [await half_sent(served, sent) for _ in range(10)]
        for reader, writer in lines:
            said = await reader.read()
            assert told in said[:40]
            assert bool(said) is bool(told)
            writer.close()
        await served.cleanup()

    run(checks())


@LOOPS
def test_half_sent_requests_make_room_for_whole_ones(run: Run) -> None:
    async def checks() -> None:
        served = await listen(app(), "127.0.0.1", 0, PATIENT)
        lines = [await half_sent(served, (b"GET / HT", HEAD)[number % 2]) for number in range(80)]
        assert await get(served) == "0 bytes"
        first = await lines[0][0].read()
        assert first.startswith(b"HTTP/1.1 408")
        for _, writer in lines:
            writer.close()
        await served.cleanup()

    run(checks())


@LOOPS
def test_requests_that_are_answered_make_no_room_and_the_next_is_told(run: Run) -> None:
    async def checks() -> None:
        made = app()
        served = await listen(made, "127.0.0.1", 0, Limits(connections=1))
        held = asyncio.ensure_future(get(served, "/hold"))
        await made[HELD].wait()
        reader, writer = await half_sent(served, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
        writer.close()
        made[FREE].set()
        assert await held == "held"
        assert await get(served) == "0 bytes"
        await served.cleanup()

    run(checks())


@LOOPS
def test_a_request_that_comes_slowly_is_answered(run: Run) -> None:
    """More bytes than there is time for at once: each brings its own."""

    async def checks() -> None:
        limits = Limits(request_seconds=0.2, bytes_per_second=1)
        served = await listen(app(), "127.0.0.1", 0, limits)
        reader, writer = await half_sent(served, HEAD)
        for _ in range(10):
            await asyncio.sleep(0.05)
            writer.write(b"x")
        assert b"10 bytes" in await reader.readuntil(b"bytes")
        writer.close()
        await served.cleanup()

    run(checks())


@LOOPS
def test_what_the_server_does_not_read_is_not_the_senders_fault(run: Run) -> None:
    async def checks() -> None:
        made = app()

        async def slow(request: web.Request) -> web.Response:
            await asyncio.sleep(1)  # longer than a request may take to come
            return web.Response(text=f"{len(await request.read())} bytes")

        made.router.add_post("/slow", slow)
        limits = Limits(request_seconds=0.3, bytes_per_second=10**9)
        served = await listen(made, "127.0.0.1", 0, limits)
        body = b"x" * 2**19
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"http://127.0.0.1:{served.port}/slow", data=body) as answer,
        ):
            assert await answer.text() == f"{len(body)} bytes"
        await served.cleanup()

    run(checks())


def test_connections_are_used_again_and_the_port_closes_after_what_is_in_flight() -> None:
    async def checks() -> None:
        made = app()
        served = await listen(made, "127.0.0.1", 0, Limits(request_seconds=60), drain_seconds=30)
        url = f"http://127.0.0.1:{served.port}"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as client:
            for size in range(20):
                async with client.post(url, data=b"x" * size) as answer:
                    assert await answer.text() == f"{size} bytes"
        held = asyncio.ensure_future(get(served, "/hold"))
        await made[HELD].wait()
        ending = asyncio.ensure_future(served.cleanup())
        made[FREE].set()
        assert await held == "held"
        await ending
        with pytest.raises(aiohttp.ClientConnectorError):
            await get(served)

    asyncio.run(checks())


def test_a_port_that_is_taken_is_an_os_error() -> None:
    async def checks() -> None:
        served = await listen(app(), "127.0.0.1", 0)
        with pytest.raises(OSError, match="address already in use"):
            await listen(app(), "127.0.0.1", served.port)
        await served.cleanup()

    asyncio.run(checks())


def test_over_tls_it_is_the_same(tmp_path: Path) -> None:
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = [str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")]
    command = ["openssl", "req", *kind, *name, "-keyout", files[0], "-out", files[1]]
    subprocess.run(command, check=True, capture_output=True)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files[1], files[0])
    browser = ssl.create_default_context(cafile=files[1])

    async def checks() -> None:
        served = await listen(app(), "127.0.0.1", 0, BRIEF, tls=server)
        connected = asyncio.open_connection("localhost", served.port, ssl=browser)
        reader, writer = await connected
        writer.write(HEAD[:-2])
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"\x16\x03\x01")  # a handshake that does not go on
        assert await reader.read() == b""
        writer.close()
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"https://localhost:{served.port}", data=b"x", ssl=browser) as answer,
        ):
            assert await answer.text() == "1 bytes"
        await served.cleanup()

    for run in (asyncio.run, uvloop.run):
        run(checks())


@LOOPS
def test_half_sent_requests_behind_a_whole_one_are_closed(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def checks() -> None:
        served = await listen(app(), "127.0.0.1", 0, BRIEF)
        reader, writer = await half_sent(served, HEAD + b"0123456789" + HEAD + b"abc")
        assert (await reader.read()).endswith(b"10 bytes")
        writer.close()
        await served.cleanup()

    run(checks())
    assert "Traceback" not in caplog.text
