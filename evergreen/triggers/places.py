"""Where the controller keeps what is no metadata: its locks, and the file that wakes it."""

from contextlib import suppress
from pathlib import Path

from evergreen.settings import Settings

WAKE = "wake"


def folder(settings: Settings) -> Path:
    """Returns the folder, made on first use. It is beside the artifacts, which all hosts share."""
    found = settings.pipeline.root / ".triggers"
    found.mkdir(parents=True, exist_ok=True)
    return found


def wake(settings: Settings) -> None:
    """Tells a controller that there is something new in the log; else it finds it when it polls."""
    with suppress(OSError):  # nothing is lost by that: it polls
        (folder(settings) / WAKE).touch()
