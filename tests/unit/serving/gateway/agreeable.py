"""A model server that answers everything well, and a gateway before it as a process of its own."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import aiohttp
import grpc
import numpy as np
from aiohttp import web

from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.runs.plan import ModelRef
from evergreen.serving.client.tensors import fill
from evergreen.serving.protos import GetModelStatusResponse, ModelVersionStatus, PredictResponse
from tests.unit.lineage.making import make_store
from tests.unit.serving.gateway.backend import MODEL
from tests.unit.serving.gateway.test_faults import metric, started, until_listening

ANSWER = PredictResponse()
fill(ANSWER.outputs["y"], np.ones(1, np.float32))
STATES = GetModelStatusResponse()
STATES.model_version_status.add(version=1, state=ModelVersionStatus.AVAILABLE)


class Agreeable(grpc.GenericRpcHandler):
    """Says that version 1 is loaded, and predicts 1 whatever it is asked."""

    def service(self, details: Any) -> Any:
        message = STATES if details.method.endswith("GetModelStatus") else ANSWER

        async def answer(data: bytes, context: Any) -> bytes:
            return message.SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[dict[str, str]]:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
        server.add_generic_rpc_handlers([self])
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()

        async def predict(request: web.Request) -> web.Response:
            async for _ in request.content.iter_any():
                pass
            return web.json_response({"predictions": [1.0]})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", predict)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            rest = f"127.0.0.1:{runner.addresses[0][1]}"
            yield {"grpc": f"127.0.0.1:{port}", "rest": rest}
        finally:
            await server.stop(0)
            await runner.cleanup()


@dataclass
class Running:
    """A gateway that runs.

    Attributes:
        process: Its process.
        port: Of gRPC.
        rest_port: Of REST.
        session: To ask it.
        said: What it logged.
    """

    process: Popen[str]
    port: str
    rest_port: str
    session: aiohttp.ClientSession
    said: list[str]
    _reader: threading.Thread

    async def end(self) -> None:
        """Has it drain, and end."""
        self.process.terminate()
        await asyncio.to_thread(self._reader.join)
        await asyncio.to_thread(self.process.wait)

    def mib(self, name: str) -> int:
        """A line of the process' status: VmRSS is now, VmHWM the most that was."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024

    def forget_peak(self) -> None:
        """From now on VmHWM is of what follows."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    async def metric(self, name: str) -> float:
        return await metric(self.session, self.rest_port, name)

    async def health(self) -> dict[str, Any]:
        async with self.session.get(f"http://127.0.0.1:{self.rest_port}/healthz") as answer:
            return json.loads(await answer.read())


@asynccontextmanager
async def gateway(folder: Path, key: str = "", **settings: Any) -> AsyncIterator[Running]:
    """Runs a gateway process before an agreeable server."""
    store = folder / "metadata.sqlite"
    registry = Registry(make_store(store), MODEL)
    registry.register(ModelRef(version=1, artifact_id=1), "somebody", "pushed", {}, Stage.SERVING)
    headers = {"x-api-key": key} if key else {}
    if key:
        (folder / "keys").write_text(key)
        settings["api_keys"] = str(folder / "keys")
    async with Agreeable().running() as backend, aiohttp.ClientSession(headers=headers) as session:
        given = {"port": 0, "rest_api_port": 0, "backend": backend} | settings
        with started("process", json.dumps(given), str(store)) as process:
            ports = await asyncio.to_thread(until_listening, process)
            said: list[str] = []  # read on, or the process waits when the pipe is full
            reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
            reader.start()
            yield Running(process, *ports, session, said, reader)
