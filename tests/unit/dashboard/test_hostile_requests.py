"""All requests of strangers to the dashboard are answered, and change nothing."""

import asyncio
import random
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from yarl import URL

from evergreen.dashboard.actions import ACTIONS
from evergreen.dashboard.routes import CONFIRM, FORM, PAGES
from evergreen.serving.connections import Limits, listen
from tests.fuzzing import cases
from tests.unit.dashboard.asking import TOKEN, ask, dashboard, signed_in
from tests.unit.hostile import drawn, files, rows
from tests.unit.lineage.worlds import World

TEXTS = 60
"""Of each parameter of each page."""
REFUSED = {400, 403, 404, 409, 413}
FINE = {200, 400, 403, 404, 405}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("world"), 3)


def place(world: World) -> Path:
    return world.settings.reports.folder.parent


def paths(app: web.Application) -> list[str]:
    """Every path that is answered, as the router has it."""
    found = {resource.canonical for resource in app.router.resources()}
    assert set(PAGES) <= found
    return sorted(found)


def targets(path: str, run: str, seed: int) -> Iterator[str]:
    """Requests for a path with hostile text in each of its parts and parameters in turn."""
    parts = re.findall(r"\{(\w+)\}", path)
    route = CONFIRM if path.startswith("/actions") else PAGES.get(path)
    known = [name for name in (route.takes if route else ()) if name not in parts]
    benign = {part: run if part == "run" else "1" for part in parts} | {"action": "promote"}
    for number, name in enumerate([*parts, *known, "unknown"]):
        for text in drawn(seed + number, cases(TEXTS)):
            hostile = quote(text.encode("utf-8", "surrogateescape"), safe="")[:6000]
            filled = benign | {name: hostile} if name in parts else benign
            yield path.format(**filled) + ("" if name in parts else f"?{name}={hostile}")


@pytest.mark.fuzz
def test_no_parameter_of_any_page_changes_anything(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    served = dashboard(world, TOKEN)
    run = world.records[0].run_id

    async def asks(client: TestClient) -> int:
        await signed_in(client)
        async with client.get("/"):  # whatever opening it makes is made
            stored, there = rows(place(world)), files(place(world))
        count = 0
        for seed, path in enumerate(paths(served.app())):
            for target in targets(path, run, seed):
                async with client.get(URL(target, encoded=True), allow_redirects=False) as answer:
                    assert answer.status in FINE, (target, answer.status)
                    count += 1
            assert rows(place(world)) == stored, path
            assert files(place(world)) == there, path
        return count

    assert ask(served, asks) >= 2000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fuzz
def test_no_field_of_any_form_changes_anything(world: World) -> None:
    served = dashboard(world, TOKEN)

    async def asks(client: TestClient) -> None:
        await signed_in(client)
        async with client.get("/actions/fire") as answer:
            [word] = set(re.findall(r'name="word" value="([^"]+)"', await answer.text()))
        stored, there = rows(place(world)), files(place(world))
        for seed, action in enumerate([*ACTIONS, "unknown"]):
            for field in FORM:
                for text in drawn(seed, cases(TEXTS) // 4):
                    # What was seen is what nobody can have seen: else the command would run.
                    sent = {"word": word, "seen": "999999", "subject": "2", "reason": "x"}
                    sent |= {field: text.encode("utf-8", "replace").decode()}
                    post = client.post(f"/actions/{action}", data=sent, allow_redirects=False)
                    async with post as answer:
                        assert answer.status in {400, 403, 404, 409, 413}, (
                            action,
                            sent,
                            answer.status,
                        )
        assert rows(place(world)) == stored
        assert files(place(world)) == there

    ask(served, asks)


HOSTS = [
    "[",
    "[::1",
    "a]b",
    "127.0.0.1:x",
    "127.0.0.1:99999999",
    "",
    "\xff",
    "a b",
    "@",
    "//",
    "x" * 7000,
]
KINDS = [
    "application/x-www-form-urlencoded; charset=nonsense",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=\xff",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=x; charset=nonsense",
    "text/plain; charset=idna",
    ";;;",
    "\xff/\xff",
    "",
]
BODIES = [
    b"",
    b"token=%ff%fe",
    b"token=\xff\xfe",
    b"a=1&" * 1000,
    b"--x\r\nContent-Disposition: form-data; name=token\r\n\r\nx\r\n--x--",
    b"\x00" * 100,
    b"token=" + b"x" * 70_000,
]
HEADERS = [
    b"Cookie: evergreen=\xff",
    b"Cookie: =;;;=",
    b'Cookie: evergreen="\\001\\002',
    b"Cookie: " + b"a=b; " * 500,
    b"Origin: http://[",
    b"Origin: null",
    b"Range: bytes=9-1",
    b"Range: nonsense",
    b"If-Modified-Since: nonsense",
    b"If-None-Match: \xff",
    b"Accept-Encoding: \xff",
    b"Content-Encoding: gzip",
    b"Content-Encoding: nonsense",
    b"Content-Length: -1",
    b"Content-Length: 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: nonsense",
    b"Expect: 100-continue",
    b"Expect: nonsense",
    b"Upgrade: websocket",
    b"X-Forwarded-Proto: \xff",
    b"Sec-Fetch-Site: \xff",
    b"no header",
    b": empty",
    b"a" * 9000 + b": x",
]
STARTS = [
    b"GET / HTTP/1.1", b"GET /static/live.js HTTP/1.1", b"GET /static/%00 HTTP/1.1",
    b"GET /static/" + b"x" * 300 + b" HTTP/1.1", b"GET /static/..%2f..%2fserver.py HTTP/1.1",
    b"GET /static/%ff HTTP/1.1", b"GET /runs/%ff%00/live HTTP/1.1",
    b"GET /runs?by=%ff&by HTTP/1.1",
    b"GET //evil.example/ HTTP/1.1", b"GET http://[/ HTTP/1.1",
    b"GET http://evil.example/ HTTP/1.1",
    b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT x:1 HTTP/1.1", b"HEAD / HTTP/1.1",
    b"PUT / HTTP/1.1", b"TRACE / HTTP/1.1", b"GET / HTTP/9.9", b"GET /", b"", b"\x16\x03\x01",
    b"GET /?x=" + b"x" * 9000 + b" HTTP/1.1", b"GET /%zz HTTP/1.1", b"GET /\xff HTTP/1.1",
    b"POST /sign-in HTTP/1.1", b"POST /sign-out HTTP/1.1", b"POST /actions/fire HTTP/1.1",
    b"POST /actions/%ff HTTP/1.1", b"POST / HTTP/1.1", b"GET /style.css HTTP/1.1",
]  # fmt: skip


def raw(seed: int) -> bytes:
    """A request that is malformed in some ways; bodies are sent with the length that they have."""
    chance = random.Random(seed)
    start = chance.choice(STARTS)
    host = chance.choice(HOSTS) if chance.random() < 0.3 else "127.0.0.1"
    lines = [start, b"Host: " + host.encode("latin-1"), b"Connection: close"]
    lines += chance.sample(HEADERS, chance.choice([0, 1, 1, 2]))
    body = b""
    if start.startswith(b"POST"):
        usual = "application/x-www-form-urlencoded"
        kind = chance.choice(KINDS) if chance.random() < 0.6 else usual
        body = chance.choice(BODIES)
        lines += [b"Content-Type: " + kind.encode("latin-1")]
        lines += [b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def status(port: int, sent: bytes) -> int:
    """The status of the answer; 0 if the connection was closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        line = await asyncio.wait_for(reader.readline(), 60)
    except ConnectionError:
        line = b""
    finally:
        writer.close()
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", line)
    return int(found[1]) if found else 0


@pytest.mark.fuzz
def test_malformed_requests_are_refused_and_nothing_breaks(world: World) -> None:
    async def checks() -> list[tuple[int, bytes]]:
        limits = Limits(request_seconds=0.2)  # some are cut
        served = await listen(dashboard(world, TOKEN).app(), "127.0.0.1", 0, limits)
        try:
            sent = [raw(seed) for seed in range(cases(3000))]
            found = [(await status(served.port, path), path) for path in sent]
            assert await status(served.port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200
            return found
        finally:
            await served.cleanup()

    found = asyncio.run(checks())
    assert [answer for answer in found if answer[0] >= 500] == []
    assert sum(number >= 400 for number, _ in found) > len(found) / 2


@pytest.mark.parametrize("host", HOSTS)
def test_a_malformed_host_is_no_name_of_the_dashboard(world: World, host: str) -> None:
    async def checks() -> int:
        served = await listen(dashboard(world).app(), "127.0.0.1", 0)
        sent = (
            b"GET / HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\nConnection: close\r\n\r\n"
        )
        try:
            return await status(served.port, sent)
        finally:
            await served.cleanup()

    assert asyncio.run(checks()) in {400, 421}
