"""Starts servers, each in a process of its own, and stops them."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline.variants import EVERGREEN, PROJECT
from evergreen.errors import EvergreenError
from evergreen.serving.client import Client
from evergreen.serving.client.failures import ServerError

START_SECONDS = 180

MODEL = "taxi"


@dataclass(frozen=True)
class Server:
    """One that runs.

    Attributes:
        grpc: Its gRPC API, host:port.
        rest: Its REST API, host:port.
    """

    grpc: str
    rest: str


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Runs a server until the end of the block, from when it is ready.

    Args:
        command: The program and its arguments.
        log: What it prints goes here.
        is_ready: Whether it answers.
        environment: Variables on top of this process's.

    Raises:
        EvergreenError: If it ends before, or takes too long.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as output,
        subprocess.Popen(  # noqa: S603 - a command of our own
            command,
            cwd=PROJECT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        ) as process,
    ):
        try:
            _wait(process, is_ready, log)
            yield
        finally:
            _stop(process)


@contextmanager
def evergreen(overrides: Sequence[str], log: Path, *flags: str) -> Iterator[Server]:
    """Runs `evergreen serve` for a project.

    Args:
        overrides: Settings of the project.
        log: What it prints goes here.
        flags: Of the server.
    """
    ports = [f"--port={free_port()}", f"--rest_api_port={free_port()}"]
    with model_server(
        [str(EVERGREEN), "serve", "-u", MODEL, *settings(overrides), *ports, *flags], log
    ) as server:
        yield server


@contextmanager
def model_server(command: Sequence[str], log: Path, model: str = MODEL) -> Iterator[Server]:
    """Runs a server whose command names its `--port` and `--rest_api_port`; it serves a model."""
    flags = dict(part.split("=", 1) for part in command if part.startswith("--") and "=" in part)
    server = Server(*(f"127.0.0.1:{flags[name]}" for name in ("--port", "--rest_api_port")))
    with running(command, log, lambda: _serves(server.grpc, model)):
        yield server


@contextmanager
def gateway(server: Server, overrides: Sequence[str], log: Path) -> Iterator[Server]:
    """Runs `evergreen gateway` in front of a server, with the prediction log on."""
    behind = Server(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    own = [
        f"gateway.port={behind.grpc.rpartition(':')[2]}",
        f"gateway.rest_api_port={behind.rest.rpartition(':')[2]}",
        f"gateway.backend.grpc={server.grpc}",
        f"gateway.backend.rest={server.rest}",
        f"gateway.log.folder={log.parent / 'predictions'}",
    ]
    command = [str(EVERGREEN), "gateway", "-u", MODEL, *settings([*overrides, *own])]
    with running(command, log, lambda: _serves(behind.grpc, MODEL)):
        yield behind


def settings(overrides: Sequence[str]) -> list[str]:
    """Returns overrides of settings as options of a command."""
    return [part for override in overrides for part in ("--set", override)]


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(url: str, body: bytes) -> bool:
    """Whether a POST of JSON is answered well."""
    request = urllib.request.Request(  # noqa: S310 - http, on this machine
        url, body, {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            return True
    except OSError:
        return False


def _serves(host: str, model: str) -> bool:
    try:
        with Client(host, model=model, timeout=2) as client:
            client.signatures()
    except ServerError:
        return False
    return True


def _wait(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > end:
            raise EvergreenError(
                f"{process.args!r}: does not serve.", hint=f"What it printed is in {log}"
            )
        time.sleep(0.5)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server with the workers that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
