"""Notices that the settings' files say something else by now.

What is wrong with them is said, once a change; the controller goes on with what it has.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evergreen.errors import SettingsError
from evergreen.settings import Settings

SETTLED_SECONDS = 2
"""For how long a file must not have changed: an editor may be at it."""
_log = logging.getLogger(__name__)
Stamp = tuple[tuple[int, int] | None, ...]


class Renewal:
    """Compares the settings in use with those in the files."""

    def __init__(
        self, settings: Settings, files: Sequence[Path], load: Callable[[], Settings]
    ) -> None:
        """Looks at the files' times.

        Args:
            settings: Those in use.
            files: Where they come from.
            load: Loads them anew.
        """
        self._settings = settings
        self._files = files
        self._load = load
        self._seen = self._stamp()
        self._is_due = False

    def is_due(self) -> bool:
        """Whether the files have other settings, which can be used."""
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
    except OSError:  # as while it is replaced; loading says it if it stays away
        return None
    return found.st_mtime_ns, found.st_size


def _is_settled(stamp: Stamp) -> bool:
    newest = max((stamped[0] for stamped in stamp if stamped), default=0) / 1e9
    return abs(time.time() - newest) >= SETTLED_SECONDS
