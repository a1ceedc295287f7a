"""Detects changes of the settings' files.

Errors in them are logged once per change; the controller continues with its present settings.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evergreen.errors import SettingsError
from evergreen.settings import Settings

SETTLED_SECONDS = 2
"""Seconds without a change before a file is read, since an editor may be writing it."""
_log = logging.getLogger(__name__)
Stamp = tuple[tuple[int, int] | None, ...]


class Renewal:
    """Compares the settings in use with those in the files."""

    def __init__(
        self, settings: Settings, files: Sequence[Path], load: Callable[[], Settings]
    ) -> None:
        """Reads the files' times.

        Args:
            settings: The settings in use.
            files: The files of the settings.
            load: Loads the settings again.
        """
        self._settings = settings
        self._files = files
        self._load = load
        self._seen = self._stamp()
        self._is_due = False

    def is_due(self) -> bool:
        """Returns whether the files have other, valid settings."""
        stamp = self._stamp()
        if stamp != self._seen and _is_settled(stamp):
            self._seen = stamp
            self._is_due = self._differs()
        return self._is_due

    def _differs(self) -> bool:
        try:
            return self._load() != self._settings
        except SettingsError as error:
            _log.error("the settings are used as they were, for now they are wrong: %s", error)
            return False

    def _stamp(self) -> Stamp:
        return tuple(map(_stamp, self._files))


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:  # while it is replaced; if it stays missing, loading reports it
        return None
    return found.st_mtime_ns, found.st_size


def _is_settled(stamp: Stamp) -> bool:
    newest = max((stamped[0] for stamped in stamp if stamped), default=0) / 1e9
    return abs(time.time() - newest) >= SETTLED_SECONDS
