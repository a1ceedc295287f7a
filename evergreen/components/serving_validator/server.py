"""A model server with the candidate, as clients will have it: a process that starts and ends."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from evergreen.components.serving_validator.asking import Address, free_port, is_available
from evergreen.components.serving_validator.unservable import UnservableError
from evergreen.errors import EvergreenError

BINARY = "tensorflow_model_server"
START_SECONDS = 300.0  # to import TensorFlow: 10 to 15 s on a slow machine, more on a busy one
EXIT_SECONDS = 60.0  # from the last answer to the end, with a core dump in between
POLL_SECONDS = 0.05
TAIL_CHARACTERS = 1000
LOADING = re.compile(r"servable version \{", re.IGNORECASE)
"""What both servers write when they begin to load a version, after their own start."""
PORT_TAKEN = "Failed to start HTTP Server"


def find_command(binary: str) -> list[str]:
    """Returns the command of a server: the binary named, the one on PATH, or the embedded one."""
    found = binary or shutil.which(BINARY)
    return [found] if found else [sys.executable, "-m", "evergreen.serving.model_server"]


class ServerProcess:
    """A server of one model; a context manager that leaves none behind.

    The process starts when this is made, so that it gets ready while the caller goes on.

    Attributes:
        address: Where it answers.
        load_seconds: How long the model took to load, in seconds; None until it is.
    """

    def __init__(self, model: Path, command: Sequence[str], answer_within: float) -> None:
        """Starts the process.

        Args:
            model: The folder of a SavedModel.
            command: Of a server that takes TensorFlow Serving's flags.
            answer_within: Time for each answer, in seconds.
        """
        self.load_seconds: float | None = None
        self._command, self._answer_within = list(command), answer_within
        self._folder = tempfile.TemporaryDirectory(prefix="serving-")
        self._versions = Path(self._folder.name, "versions")
        self._versions.mkdir()
        (self._versions / "1").symlink_to(model.resolve())
        self._start()

    def wait_until_loaded(self, seconds: float) -> None:
        """Waits until the model can be asked.

        Args:
            seconds: How long it may take to load, once the server itself has started.

        Raises:
            EvergreenError: If there is no server, for reasons that are not the model's.
            UnservableError: If the model cannot be loaded, kills the process, or takes too long.
        """
        began, loading = time.monotonic(), None
        while not is_available(self.address):
            now = time.monotonic()
            if loading is None and LOADING.search(self.said()):
                loading = now
            if self._process.poll() is not None:
                if PORT_TAKEN in self.said():  # it was free a moment ago
                    self._start()
                    continue
                raise self._not_loaded(loading is not None, self.how_it_ended("load"))
            if now - (loading or began) > (seconds if loading else START_SECONDS):
                self.kill()
                verb = f"load within {seconds:g} s" if loading else "start"
                raise self._not_loaded(loading is not None, f"did not {verb}")
            time.sleep(POLL_SECONDS)
        self.load_seconds = time.monotonic() - (loading or began)

    def how_it_ended(self, verb: str) -> str:
        """What to say of a process that is gone: how it ended, and its last words."""
        code = self._process.wait(EXIT_SECONDS)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        words = self.said().strip()[-TAIL_CHARACTERS:]
        return f"the server {how} and did not {verb}; it said: {words}"

    def has_ended(self, within: float) -> bool:
        """Whether the process is gone, or goes within so many seconds."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def memory_mb(self) -> float | None:
        """Peak resident memory of the server, in MiB; None if no model is loaded.

        Read from Linux, since `ru_maxrss` of a child begins with the memory of its parent.
        """
        if self.load_seconds is None or self._process.poll() is not None:
            return None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(peak[1]) / 1024 if peak else None

    def said(self) -> str:
        """What the server has printed."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        self._folder.cleanup()

    def _start(self) -> None:
        folder = self._folder.name
        self.address = Address(f"unix:{folder}/grpc.sock", f"127.0.0.1:{free_port()}")
        self._log = Path(folder, "log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - named by the settings, or our own
                # It ends with this process, however that does.
                ["setpriv", "--pdeathsig", "KILL", "--", *self._command, *self._flags()],  # noqa: S607
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for this process to handle: a server that it kills is no bad model.
                start_new_session=True,
            )

    def _flags(self) -> list[str]:
        return [
            "--port=0",
            f"--grpc_socket_path={self.address.grpc.removeprefix('unix:')}",
            f"--rest_api_port={self.address.rest.rpartition(':')[2]}",
            f"--rest_api_timeout_in_ms={int(self._answer_within * 1000)}",
            f"--model_name={self.address.model}",
            f"--model_base_path={self._versions}",
            "--max_num_load_retries=0",
            # The same requests are replayed by us, who can tell what is wrong with an answer.
            "--enable_model_warmup=false",
        ]

    def _not_loaded(self, is_the_models: bool, text: str) -> EvergreenError:
        if is_the_models:
            return UnservableError(text)
        return EvergreenError(
            f"the server that should serve the model: {text}",
            hint=f"See whether `{' '.join(self._command)} --help` works here, and how busy the "
            "machine is.",
        )
