"""Signals between processes outside ML Metadata: locks, wake-ups and heartbeats."""

import os
import socket
from contextlib import suppress
from pathlib import Path

from evergreen.settings import Settings

WAKE = "wake"
SOCKET = "NOTIFY_SOCKET"
"""The environment variable with systemd's socket, if there is one: sd_notify(3)."""
ALIVE = b"READY=1\nWATCHDOG=1"


def folder(settings: Settings) -> Path:
    """Returns the model's folder beside the artifacts, which all hosts share; creates it."""
    found = settings.pipeline.root / ".triggers" / settings.model.name
    found.mkdir(parents=True, exist_ok=True)
    return found


def wake(settings: Settings) -> None:
    """Tells a controller about new log entries, which it would otherwise find by polling."""
    with suppress(OSError):  # harmless: the controller polls
        (folder(settings) / WAKE).touch()


def beat(file: Path | None) -> None:
    """Signals that the loop works.

    Args:
        file: A file to touch, if any; if it is older than ten minutes, the controller hangs.

    Raises:
        OSError: If the file cannot be touched, or systemd does not listen.
    """
    if file:
        file.touch()
    if place := os.environ.get(SOCKET):
        address = "\0" + place[1:] if place.startswith("@") else place
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(ALIVE, address)
