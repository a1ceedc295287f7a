"""The leader among several controllers of a pipeline; the others wait to take over.

If ML Metadata is a file, the lock is the operating system's, on a file beside the artifacts. If it
is a server, the lock is the server's, since its clients may be on many hosts. Both are released
when their holder dies, however it dies. Even two controllers that both believed to lead could not
damage the log, which admits each entry once; the lock keeps that from happening.
"""

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Protocol

import pymysql

from evergreen.errors import EvergreenError
from evergreen.files import is_locked
from evergreen.lineage import mysql
from evergreen.settings import Settings
from evergreen.settings.metadata import MySqlSettings
from evergreen.triggers.signals import folder

_log = logging.getLogger(__name__)
LONGEST = 64
"""The longest name of a lock of MySQL, in characters."""


class Lease(Protocol):
    """The right to lead."""

    def held(self) -> bool:
        """Takes it if it is free; returns whether it is held."""

    def is_taken(self) -> bool:
        """Returns whether anybody holds it."""


class KeptLease:
    """A lease that a separate thread keeps, however long a step of the controller takes.

    Attributes:
        held: Whether it was held at the last check; None if unknown.
    """

    def __init__(self, lease: Lease, seconds: float, changed: Callable[[], None]) -> None:
        """Takes nothing yet.

        Args:
            lease: The lease; only this object may use it.
            seconds: The interval of checks.
            changed: Called, in another thread, when it is taken or lost.
        """
        self.held: bool | None = None
        self._lease = lease
        self._seconds = seconds
        self._changed = changed

    def keep(self, stop: Event) -> None:
        """Keeps it, or waits for it, until an event is set."""
        while not stop.is_set():
            held = self._ask()
            if held is not self.held:
                self.held = held
                self._changed()
            stop.wait(self._seconds)

    def _ask(self) -> bool | None:
        try:
            return self._lease.held()
        except EvergreenError as error:
            _log.error("who leads cannot be told: %s next: %s", error, error.hint)
        except OSError as error:
            _log.error("who leads cannot be told: %s", error)
        return None


class FileLease:
    """A lock of the operating system."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def held(self) -> bool:
        """As in `Lease`."""
        if self._file is None:
            file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            self._file = file
        return True

    def is_taken(self) -> bool:
        """As in `Lease`."""
        return is_locked(self._path)


class MySqlLease:
    """A lock of the database server, held by a lasting connection.

    A server without contact to the holder releases it after `seconds`; by then a holder without
    contact to the server considers it lost.
    """

    def __init__(self, settings: MySqlSettings, name: str, seconds: int) -> None:
        self._settings = settings
        self._name = _short(f"watch {settings.database} {name}")
        self._seconds = seconds
        self._connection: pymysql.Connection[pymysql.cursors.Cursor] | None = None

    def held(self) -> bool:
        """As in `Lease`.

        Raises:
            StoreError: If the server does not answer or refuses.
        """
        if self._connection is not None:
            try:
                return self._take(self._connection)
            except pymysql.err.Error:
                self._connection = None
        # A new connection gets it if nobody has taken it since the old one was lost.
        connection = mysql.sql(self._settings, self._seconds)
        try:
            held = self._take(connection)
        except pymysql.err.Error:
            return False
        self._connection = connection
        return held

    def _take(self, connection: "pymysql.Connection[pymysql.cursors.Cursor]") -> bool:
        with connection.cursor() as cursor:
            # The holder gets it again; it is released with the connection.
            cursor.execute("SELECT GET_LOCK(%s, 0)", [self._name])
            return bool((cursor.fetchone() or [0])[0])

    def is_taken(self) -> bool:
        """As in `Lease`.

        Raises:
            StoreError: If the server does not answer or refuses.
        """
        with mysql.sql(self._settings, self._seconds) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT IS_USED_LOCK(%s)", [self._name])
            return (cursor.fetchone() or [None])[0] is not None


def _short(name: str) -> str:
    """Returns a name of at most 64 characters, the longest that is allowed; others stay apart."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 17]} {hashlib.sha256(name.encode()).hexdigest()[:16]}"


def lease(settings: Settings) -> Lease:
    """Returns the lease of a pipeline's controllers."""
    if settings.metadata.mysql:
        seconds = max(int(6 * settings.triggers.poll_seconds), 1)
        return MySqlLease(settings.metadata.mysql, settings.model.name, seconds)
    return FileLease(folder(settings) / "leader")
