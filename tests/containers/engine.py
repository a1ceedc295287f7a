"""Containers as the tests start them: podman, as root, from the project's own image."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {"CONTAINERS_CONF": str(HERE / "containers.conf")}
# What Kubernetes is asked for too: a file system that nobody writes to, no rights.
HARDENED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges")
UID = 10001


def prepare() -> str:
    """Builds what is missing; returns the name of the image."""
    subprocess.run([HERE / "prepare.sh"], check=True)
    return f"localhost/evergreen:{version('evergreen')}"


def podman(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    line = ["podman", *map(str, words)]
    done = subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done


class Service(AbstractContextManager["Service"]):
    """Podman serving Docker's API on a socket in a folder: what `DOCKER_HOST` names."""

    def __init__(self, folder: Path) -> None:
        self.host = f"unix://{folder}/podman.sock"
        self._command: Sequence[str] = ["podman", "system", "service", "--time=0", self.host]

    def __enter__(self) -> "Service":
        self._process = subprocess.Popen(self._command, env=ENVIRONMENT)
        self._await()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(60)

    def _await(self) -> None:
        """Until it answers."""
        ping = ["podman", "--remote", "--url", self.host, "version"]
        while subprocess.run(ping, capture_output=True, check=False).returncode:
            assert self._process.poll() is None, "podman's service has ended"
