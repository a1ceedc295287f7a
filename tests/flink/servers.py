"""Processes that the tests start, and await: each in its folder, with its log there."""

import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import TracebackType

import grpc
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.project import ROOT

SECONDS = 120
PATH = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
"""With `evergreen-beam-worker` on it, as on the machines of a cluster."""


class Server(AbstractContextManager["Server"]):
    """A process that serves until it is told to end."""

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        self._name, self._command = name, command
        self._folder, self.log = folder, folder / f"{name}.log"

    def __enter__(self) -> "Server":
        with self.log.open("w") as log:
            # Not in the checkout: what a worker imports is what was shipped to it.
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=os.environ | {"PATH": PATH},
                stdout=log, stderr=log,
            )  # fmt: skip
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(60)

    def await_that(self, ready: Callable[[], bool]) -> None:
        """Returns when it is ready; fails with its log if it ends before."""

        def look() -> bool:
            assert self._process.poll() is None, f"{self._name} ended:\n{self.log.read_text()}"
            return ready()

        is_no = retry_if_result(lambda found: not found)
        Retrying(retry=is_no, stop=stop_after_delay(SECONDS), wait=wait_fixed(0.2))(look)


def free_ports(count: int) -> list[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        return [port, *(free_ports(count - 1) if count > 1 else [])]


def answers(port: int) -> bool:
    """Whether a gRPC server is there."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(1)
        except grpc.FutureTimeoutError:
            return False
    return True
