"""A model served by a fresh process: none of what this one has imported or loaded helps it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Self

from evergreen.components.serving_validator import worker
from evergreen.components.serving_validator.served import Tensors, UnservableError
from evergreen.errors import EvergreenError

START_SECONDS = 300.0  # to import TensorFlow: 10 to 15 s on a slow machine, more on a busy one
EXIT_SECONDS = 60.0  # from closing the socket to the end, with a core dump in between
TAIL_CHARACTERS = 1000


class FreshProcess:
    """A `ServedModel` in a process of its own; a context manager that leaves none behind.

    The process starts when this is made, so that it imports TensorFlow while the caller goes on.

    Attributes:
        load_seconds: How long loading took, in seconds; None until `wait_until_loaded`.
    """

    def __init__(self, model: Path, load_within: float, answer_within: float) -> None:
        """Starts the process.

        Args:
            model: The folder of a SavedModel.
            load_within: Time to load it, in seconds.
            answer_within: Time for each answer, in seconds.
        """
        self.load_seconds: float | None = None
        self._load_within, self._answer_within = load_within, answer_within
        self._fault: UnservableError | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", worker.__file__, str(model), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                # Only errors: what it says at its end goes into the report.
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
                # Ctrl-C is for this process to handle: a worker that it kills is no bad model.
                start_new_session=True,
            )

    def wait_until_loaded(self) -> None:
        """Waits until the model can be asked, as `ServedModel.wait_until_loaded`."""
        try:
            self._receive("start", START_SECONDS)
        except UnservableError as error:
            raise EvergreenError(
                f"the process that should serve the model: {error}",
                hint="It imports TensorFlow only: see whether `python -c 'import tensorflow'` "
                "works here, and how busy the machine is.",
            ) from error
        self.load_seconds = float(self._receive("load", self._load_within))

    def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Answers a request, as `ServedModel.predict`."""
        if self._fault:
            raise self._fault
        try:
            self._connection.send((signature, inputs))
        except OSError:
            raise self._ended("answer") from None
        answer: Tensors = self._receive("answer", self._answer_within)
        return answer

    @property
    def memory_mb(self) -> float | None:
        """Peak resident memory in MiB; None if no model is loaded.

        Read from Linux, since `ru_maxrss` of a child begins with the memory of its parent.
        """
        if self.load_seconds is None or self._process.poll() is not None:
            return None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(peak[1]) / 1024 if peak else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()
        self._log.close()

    def _receive(self, verb: str, seconds: float) -> Any:
        if not self._connection.poll(seconds):
            self._process.kill()
            self._fault = UnservableError(f"did not {verb} within {seconds:g} s")
            raise self._fault
        try:
            kind, content = self._connection.recv()
        except (EOFError, OSError):
            raise self._ended(verb) from None
        if kind == worker.ERROR:
            raise UnservableError(content)
        return content

    def _ended(self, verb: str) -> UnservableError:
        """What to say of a process that is gone: how it ended, and its last words."""
        code = self._process.wait(EXIT_SECONDS)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        self._log.seek(0)
        words = self._log.read().decode(errors="replace").strip()[-TAIL_CHARACTERS:]
        self._fault = UnservableError(f"the process {how} and did not {verb}; it said: {words}")
        return self._fault
