"""The REST server on a port of its own, over models that were just saved."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.metrics import Metrics
from evergreen.serving.model_server.options import Options
from evergreen.serving.model_server.rest.app import make_app
from tests.unit.serving.model_server.rest import models

CONFIG = """
model_config_list {{
  config {{
    name: "half_plus_three" base_path: "{0}/half_plus_three" model_platform: "tensorflow"
    version_labels {{ key: "stable" value: 123 }}
  }}
  config {{ name: "many" base_path: "{0}/many" model_platform: "tensorflow" }}
}}
"""
OPTIONS = Options(allow_version_labels_for_unavailable_models=True)


class Rest:
    """A running server, as the process of the model server runs it, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._config = text_format.Parse(CONFIG.format(folder), ModelServerConfig())
        self._ending = AsyncExitStack()
        self.port = 0
        self._manager = self._runner.run(self._load())
        self._client = self._runner.run(self._ending.enter_async_context(self._serve(OPTIONS)))

    async def _load(self) -> Manager:
        manager = Manager(OPTIONS, None, Metrics())
        self._ending.push_async_callback(manager.close)
        await manager.reload(self._config)
        return manager

    @asynccontextmanager
    async def _serve(self, options: Options, **limits: int) -> AsyncIterator[ClientSession]:
        runner = web.AppRunner(make_app(self._manager, options, **limits), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, options.host, 0).start()
        self.port = self.port or runner.addresses[0][1]
        async with ClientSession(f"http://{options.host}:{runner.addresses[0][1]}") as client:
            yield client
        await runner.cleanup()

    def ask(self, method: str, path: str, **request: Any) -> tuple[int, bytes]:
        """Sends a request and returns the status and the body of its answer."""

        async def run() -> tuple[int, bytes]:
            async with self._client.request(method, path, **request) as response:
                assert response.headers["Content-Type"] == "application/json"
                return response.status, await response.read()

        return self._runner.run(run())

    def send(self, sent: bytes, leaves: bool = False) -> bytes:
        """Sends bytes as they are; returns all that comes back until the server or we close."""

        async def run() -> bytes:
            reader, writer = await asyncio.open_connection(OPTIONS.host, self.port)
            writer.write(sent)
            if leaves:
                writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer

        return self._runner.run(run())

    def ask_another(
        self, changes: dict[str, Any], limits: dict[str, int], path: str, **request: Any
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Sends a request to a server with other options; returns also the headers."""

        async def run() -> tuple[int, bytes, Mapping[str, str]]:
            async with self._serve(replace(OPTIONS, **changes), **limits) as client:
                method = request.pop("method", "POST")
                async with client.request(method, path, **request) as response:
                    return response.status, await response.read(), response.headers

        return self._runner.run(run())

    def close(self) -> None:
        self._runner.run(self._ending.aclose())
        self._runner.close()


@pytest.fixture(scope="session")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    folder = tmp_path_factory.mktemp("models")
    models.save(folder)
    running = Rest(folder)
    yield running
    running.close()
