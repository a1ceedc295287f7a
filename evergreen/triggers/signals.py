"""What processes tell each other beside ML Metadata: locks, wake-ups, signs of life."""

import os
import socket
from contextlib import suppress
from pathlib import Path

from evergreen.settings import Settings

WAKE = "wake"
SOCKET = "NOTIFY_SOCKET"
"""Where systemd listens, if it does: sd_notify(3)."""
ALIVE = b"READY=1\nWATCHDOG=1"


def folder(settings: Settings) -> Path:
    """Returns the folder, made on first use. It is beside the artifacts, which all hosts share."""
    found = settings.pipeline.root / ".triggers"
    found.mkdir(parents=True, exist_ok=True)
    return found


def wake(settings: Settings) -> None:
    """Tells a controller that there is something new in the log; else it finds it when it polls."""
    with suppress(OSError):  # nothing is lost by that: it polls
        (folder(settings) / WAKE).touch()


def beat(file: Path | None) -> None:
    """Tells that the loop goes round.

    Args:
        file: Touched, if there is one; older than ten minutes, the controller hangs.

    Raises:
        OSError: If the file cannot be touched, or systemd does not listen.
    """
    if file:
        file.touch()
    if place := os.environ.get(SOCKET):
        address = "\0" + place[1:] if place.startswith("@") else place
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(ALIVE, address)
