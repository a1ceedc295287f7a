"""Servers are asked past the proxies of the environment, by every client there is."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

import evergreen
from evergreen.channels import aio_channel, channel
from evergreen.serving.client import Client
from tests.unit.serving.gateway.backend import MODEL
from tests.unit.serving.gateway.worlds import world

NAMES = ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy")
ROOT = Path(evergreen.__file__).parent
OPENS = re.compile(r"grpc(?:\.aio)?\.(?:in)?secure_channel\(")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Writes down who comes, and answers nobody."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line:
                    asked.append(line.recv(1000))

        threading.Thread(target=listen, daemon=True).start()
        for name in NAMES:
            for spelled in (name, name.upper()):
                port = listening.getsockname()[1]
                monkeypatch.setenv(spelled, f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield asked
        listening.shutdown(socket.SHUT_RDWR)


def test_gateway_and_client_ask_past_a_proxy(proxy: list[bytes]) -> None:
    async def scenario() -> None:
        async with world(canary={"steps": [0]}) as here:
            assert await here.post()  # of REST
            url = f"127.0.0.1:{here.gateway.port}"
            async with aio_channel(url) as opened:
                assert await asyncio.wait_for(opened.channel_ready(), 60) is None
            for target in (url, here.url):
                with Client(target, model=MODEL, timeout=60) as client:
                    assert client
            with channel(url) as opened:
                await asyncio.to_thread(grpc.channel_ready_future(opened).result, 60)
            assert (await here.gateway._backend.available(MODEL)) == {1, 2}
            assert proxy == []
            with channel(url, proxy=True) as opened, pytest.raises(grpc.RpcError):
                await asyncio.to_thread(opened.unary_unary("/a/b"), b"", timeout=60)
            assert proxy[0].startswith(b"CONNECT ")

    asyncio.run(scenario())


def test_channels_are_opened_in_one_place() -> None:
    opened = {
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*.py")
        if OPENS.search(file.read_text(encoding="utf-8"))
    }
    assert opened == {"channels.py"}
