"""Signs of life, for whoever starts a controller anew that hangs: a file, and systemd."""

import os
import socket
from pathlib import Path

SOCKET = "NOTIFY_SOCKET"
"""Where systemd listens, if it does: sd_notify(3)."""
ALIVE = b"READY=1\nWATCHDOG=1"


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
