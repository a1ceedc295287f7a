"""Faults around the gateway: a killed server, a full disk, a taken port."""

import asyncio
import json
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import grpc
import pyarrow.dataset as ds
import pytest

from evergreen.errors import EvergreenError
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.runs.plan import ModelRef
from evergreen.serving.gateway import grpc_front
from evergreen.serving.gateway.registry import Targets
from evergreen.serving.protos import PredictionServiceStub
from tests.unit.lineage.making import make_store
from tests.unit.serving.gateway.backend import MODEL, Server, good
from tests.unit.serving.gateway.worlds import Wanted, request, world

BODY = {"instances": [1.0]}
Code = grpc.StatusCode


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Runs a module of this folder as a process, killed at the end."""
    module, *rest = arguments
    command = [sys.executable, "-m", f"tests.unit.serving.gateway.{module}", *rest]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_server_is_answered_for_and_found_again() -> None:
    async def scenario() -> None:
        with started("backend", "0", "0") as process:
            ports = process.stdout.readline().split()
            backend = dict(
                zip(("grpc", "rest"), (f"127.0.0.1:{port}" for port in ports), strict=True)
            )
            async with world(wanted=Wanted(Targets(1)), backend=backend) as here:
                asking = [asyncio.create_task(here.predict()) for _ in range(50)]
                assert (await here.predict())[0] == 1
                process.send_signal(signal.SIGKILL)
                process.wait()
                answers = await asyncio.gather(*asking, return_exceptions=True)
                failed = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
                assert {error.code() for error in failed} <= {Code.UNAVAILABLE}

                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await here.predict(timeout=10)
                assert refused.value.code() is Code.UNAVAILABLE
                url = f"{here.url}/v1/models/{MODEL}:predict"
                async with here.session.post(url, json=BODY) as response:
                    assert response.status == 503
                    assert "does not answer" in (await response.json())["error"]
                await here.gateway.check()
                assert (await here.get("/healthz"))[0] == 503

                with started("backend", *ports) as again:
                    again.stdout.readline()
                    assert (await here.post())[0] == 1
                    await until_answered(here)
                    await here.gateway.check()
                    assert (await here.get("/healthz"))[0] == 200

    asyncio.run(scenario())


async def until_answered(here) -> None:
    """gRPC tries again after at most a second."""
    codes = {Code.UNAVAILABLE}
    while codes == {Code.UNAVAILABLE}:
        call = here.stub.Predict(request())
        codes |= {await call.code()}
    assert codes == {Code.UNAVAILABLE, Code.OK}


def test_a_backend_that_is_gone_does_not_speak_against_a_canary() -> None:
    async def scenario() -> None:
        nobody = {"grpc": "127.0.0.1:1", "rest": "127.0.0.1:1"}
        async with world(backend=nobody, canary={"steps": [100], "hold_seconds": 0}) as here:
            assert set(await here.flood(300)) == {0}
            await here.gateway.check()
            assert here.wanted.decisions == []

    asyncio.run(scenario())


def test_a_full_disk_stops_the_log_and_no_prediction(tmp_path: Path) -> None:
    """The process may write files of no byte: what a full disk is to it. Then it may again."""
    store, folder = tmp_path / "metadata.sqlite", tmp_path / "log"
    registry = Registry(make_store(store), MODEL)
    registry.register(ModelRef(version=1, artifact_id=1), "somebody", "pushed", {}, Stage.SERVING)

    async def scenario() -> None:
        async with Server({1: good}).running() as server:
            log = {"folder": str(folder), "rotate_rows": 10, "rotate_seconds": 1000}
            backend = {
                "grpc": f"127.0.0.1:{server.grpc_port}",
                "rest": f"127.0.0.1:{server.rest_port}",
            }
            settings = {"port": 0, "rest_api_port": 0, "log": log, "backend": backend}
            with started("process", json.dumps(settings), str(store)) as process:
                port, rest_port = await asyncio.to_thread(until_listening, process)
                async with (
                    grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
                    aiohttp.ClientSession() as session,
                ):
                    stub = PredictionServiceStub(channel)

                    async def counted(name: str, least: float) -> None:
                        """Asks until a count is reached."""
                        while await metric(session, rest_port, name) < least:
                            answer = await stub.Predict(request())
                            assert answer.model_spec.version.value == 1

                    await counted("evergreen_gateway_log_rows_total", 10)
                    resource.prlimit(
                        process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)
                    )
                    await counted('log_dropped_total{model="half",reason="disk"}', 30)
                    written = await metric(session, rest_port, "evergreen_gateway_log_rows_total")
                    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
                    await counted("evergreen_gateway_log_rows_total", written + 10)
                process.terminate()
                _, errors = process.communicate()
                assert process.returncode == 0
                assert errors.count("predictions are dropped") == 1

    asyncio.run(scenario())
    assert ds.dataset(folder, format="parquet", partitioning="hive").count_rows() >= 20
    assert not list(folder.rglob(".*"))


def until_listening(process: subprocess.Popen[str]) -> list[str]:
    """Returns the ports, when they are open."""
    line = next(line for line in process.stderr if "REST on port" in line)
    return re.findall(r"on port (\d+)", line)


async def metric(session: aiohttp.ClientSession, port: str, name: str) -> float:
    async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
        lines = (await response.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if name in line and line[0] != "#")


@pytest.mark.parametrize("setting", ["port", "rest_api_port"])
def test_a_port_that_is_taken_is_named(setting: str) -> None:
    async def scenario(port: int) -> None:
        async with world(**{setting: port}):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EvergreenError, match=f"127.0.0.1:{port}") as refused:
            asyncio.run(scenario(port))
    assert f"gateway.{setting}" in refused.value.hint


def test_connections_that_send_nothing_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there may be, on both ports; a client that waits is answered."""
    monkeypatch.setattr(grpc_front, "HANDSHAKE_MS", 300)

    async def scenario() -> None:
        async with world(connections=5) as here:
            ports = (here.gateway.port, here.gateway.rest_port) * 8
            lines = [await asyncio.open_connection("127.0.0.1", port) for port in ports]
            assert (await here.predict(wait_for_ready=True))[1]
            assert (await here.post())[1]
            for _, writer in lines:
                writer.close()

    asyncio.run(scenario())
