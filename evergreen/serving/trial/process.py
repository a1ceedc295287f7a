"""A model server in a separate process, which starts without models."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from evergreen.errors import EvergreenError
from evergreen.launch import leashed

NAME = "tensorflow_model_server"
EMBEDDED = (sys.executable, "-m", "evergreen.serving.model_server")
VERSION_SECONDS = 60.0
HOST = "127.0.0.1"
POLL_SECONDS = 0.05
TAIL_CHARACTERS = 1000
TAKEN = "Failed to start HTTP Server"
"""Both servers' message for a REST port that is taken."""


def find_program(setting: str) -> tuple[str, ...]:
    """Returns the command of the model server, without flags.

    Args:
        setting: The path of a `tensorflow_model_server`; if empty, the one found on PATH, or else
            the embedded server, which takes the same flags.

    Raises:
        EvergreenError: If the setting does not name a program.
    """
    if not setting:
        found = shutil.which(NAME)
        return (found,) if found else EMBEDDED
    if not shutil.which(setting):
        raise EvergreenError(
            f"serving.model_server = {setting}: there is no such program.",
            hint=f"Name a {NAME} that can be executed, or null for the embedded model server.",
        )
    return (setting,)


def describe_program(command: Sequence[str]) -> str:
    """Returns the server's version text."""
    said = subprocess.run(  # noqa: S603 - the settings name it
        [*command, "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=VERSION_SECONDS,
        check=False,
    )
    version = " ".join(said.stdout.split()) if said.returncode == 0 else ""
    return version or f"{command[0]}, which does not tell its version"


class ServerProcess:
    """A server that listens on a private socket, and on a free port of this machine.

    `tensorflow_model_server` listens on all addresses, so its gRPC API, which can change its
    models, has only the socket.

    Attributes:
        folder: Its private folder.
        target: The address for gRPC.
        host: Host and port of REST.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Starts it without waiting for it.

        Args:
            command: The program, a `tensorflow_model_server` or one with its flags, and flags other
                than those for addresses and models.
        """
        self._temporary = TemporaryDirectory(prefix="evergreen-")
        self.folder = Path(self._temporary.name)
        self._socket, self._port = str(self.folder / "grpc.sock"), free_port()
        self.target, self.host = f"unix:{self._socket}", f"{HOST}:{self._port}"
        models = self.folder / "models.txt"
        models.write_text("model_config_list {}\n")
        addresses = (f"--grpc_socket_path={self._socket}", f"--rest_api_port={self._port}")
        program = [*command, "--port=0", *addresses, f"--model_config_file={models}"]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the settings name it
                leashed(program),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Only errors, since its last output goes into the report.
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
                # Ctrl-C is for this process to handle: a server killed by it is not a bad model.
                start_new_session=True,
            )

    def wait_until_listening(self, seconds: float) -> bool:
        """Waits until it listens; returns whether it does, and has not ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.end(POLL_SECONDS):
            if self.has_no_port:
                return False
            if _accepts(self._socket) and self._has_port():
                return True
        return False

    @property
    def has_no_port(self) -> bool:
        """Whether its port was taken by another process; another free port may work."""
        return TAKEN in self.words()

    def _has_port(self) -> bool:
        """Whether it listens on its port: that somebody does says nothing."""
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._process.pid)
            return any(
                found.laddr.port == self._port
                for process in (server, *server.children(recursive=True))
                for found in process.net_connections("tcp")
                if found.status == psutil.CONN_LISTEN
            )
        return False

    @property
    def memory_mb(self) -> float | None:
        """Peak resident memory in MiB; None if it has ended.

        Read from /proc, since `ru_maxrss` of a child starts at its parent's memory.
        """
        if self._process.poll() is not None:
            return None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(peak[1]) / 1024 if peak else None

    def end(self, within: float) -> str:
        """Waits for its end; returns how it ended, or empty text if it has not."""
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            return ""
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"

    def words(self) -> str:
        """Returns the end of its output."""
        said = (self.folder / "log").read_text(errors="replace")
        return said.strip()[-TAIL_CHARACTERS:]

    def kill(self) -> None:
        """Ends it, and all processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Ends it, and removes its folder."""
        self.kill()
        self._temporary.cleanup()


def free_port() -> int:
    """Returns a free port."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0
