"""New versions under load: what fails, and how long answers take while they are loaded."""

import asyncio
import sys
import time
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.serving import lean, servers
from benchmarks.serving.result import Load
from benchmarks.serving.servers import MODEL, Server
from evergreen.files import publish_folder

CLIENTS = 8
VERSIONS = 3
SECONDS_BETWEEN = 3.0
POLL_SECONDS = 0.05
LONGEST = 120.0
Window = tuple[float, float]


def measure(model: Path, payloads: list[bytes], folder: Path, log: Path) -> dict[str, Load]:
    """Publishes versions one after the other, while clients ask for the latest.

    Args:
        model: A version; it is published again under other numbers.
        payloads: Requests of one row.
        folder: An empty one, for the versions.
        log: What the server prints goes here.

    Returns:
        The load while a version is loaded and the old one unloaded, and at all other times.
    """
    publish_folder(model, folder / "1")
    command = [
        sys.executable,
        "-m",
        "evergreen.serving.model_server",
        f"--port={servers.free_port()}",
        f"--rest_api_port={servers.free_port()}",
        f"--model_name={MODEL}",
        f"--model_base_path={folder}",
        "--file_system_poll_wait_seconds=1",
        "--enable_batching",
    ]
    with servers.model_server(command, log) as server:
        return uvloop.run(_measure(server, model, payloads, folder))


async def _measure(
    server: Server, model: Path, payloads: list[bytes], folder: Path
) -> dict[str, Load]:
    clients = lean.Clients(payloads)
    start = time.perf_counter()
    load = asyncio.create_task(clients.run(lambda: lean.over_grpc(server.grpc), CLIENTS, LONGEST))
    await asyncio.sleep(lean.WARM_UP + SECONDS_BETWEEN)
    windows = []
    for version in range(2, 2 + VERSIONS):
        began = time.perf_counter()
        await asyncio.to_thread(publish_folder, model, folder / str(version))
        await _until_alone(server, version)
        windows.append((began, time.perf_counter()))
        await asyncio.sleep(SECONDS_BETWEEN)
    load.cancel()
    await asyncio.wait([load])
    return _split(clients, windows, time.perf_counter() - start - lean.WARM_UP)


async def _until_alone(server: Server, version: int) -> None:
    """Waits until a version is available, and no other is."""
    url = f"http://{server.rest}/v1/models/{MODEL}"
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as response:
                status = (await response.json())["model_version_status"]
            up = [state["version"] for state in status if state["state"] == "AVAILABLE"]
            if up == [str(version)] and all(
                state["state"] in ("AVAILABLE", "END") for state in status
            ):
                return
            await asyncio.sleep(POLL_SECONDS)


def _split(clients: lean.Clients, windows: list[Window], seconds: float) -> dict[str, Load]:
    loading = sum(end - began for began, end in windows)
    inside, outside = [], []
    for ended, latency in zip(clients.ended, clients.latencies, strict=True):
        (inside if _is_in(windows, ended) else outside).append(latency)
    failed = sum(_is_in(windows, at) for at, _ in clients.failures)
    return {
        "while a version is loaded": Load.of(inside, failed, loading, 1),
        "otherwise": Load.of(outside, len(clients.failures) - failed, seconds - loading, 1),
    }


def _is_in(windows: list[Window], at: float) -> bool:
    return any(began <= at <= end for began, end in windows)
