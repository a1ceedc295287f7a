"""The REST server on a port of its own, over models that were just saved."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
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


class Rest:
    """A running server, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._config = text_format.Parse(CONFIG.format(folder), ModelServerConfig())
        self.options = Options(allow_version_labels_for_unavailable_models=True)
        self.manager = self._runner.run(self._load())
        self._client = self._runner.run(self._start(self.options, {}))

    async def _load(self) -> Manager:
        manager = Manager(self.options, None, Metrics())
        await manager.reload(self._config)
        return manager

    async def _start(self, options: Options, limits: dict[str, int]) -> TestClient:
        client = TestClient(TestServer(make_app(self.manager, options, **limits)))
        await client.start_server()
        return client

    def ask(self, method: str, path: str, **request: Any) -> tuple[int, bytes]:
        """Sends a request and returns the status and the body of its answer."""
        return self._runner.run(self._ask(self._client, method, path, request))

    def send(self, sent: bytes, leaves: bool = False) -> bytes:
        """Sends bytes as they are; returns all that comes back until the server or we close."""

        async def run() -> bytes:
            port = self._client.server.port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            if leaves:
                writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer

        return self._runner.run(run())

    def ask_another(
        self, changes: dict[str, Any], limits: dict[str, int], path: str, **request: Any
    ) -> tuple[int, bytes, dict[str, str]]:
        """Sends a request to a server with other options; returns also the headers."""

        async def run() -> tuple[int, bytes, dict[str, str]]:
            client = await self._start(replace(self.options, **changes), limits)
            try:
                method = request.pop("method", "POST")
                response = await client.request(method, path, **request)
                return response.status, await response.read(), dict(response.headers)
            finally:
                await client.close()

        return self._runner.run(run())

    @staticmethod
    async def _ask(
        client: TestClient, method: str, path: str, request: dict[str, Any]
    ) -> tuple[int, bytes]:
        async with client.request(method, path, **request) as response:
            assert response.headers["Content-Type"] == "application/json"
            return response.status, await response.read()

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.run(self.manager.close())
        self._runner.close()


@pytest.fixture(scope="session")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    folder = tmp_path_factory.mktemp("models")
    models.save(folder)
    running = Rest(folder)
    yield running
    running.close()
