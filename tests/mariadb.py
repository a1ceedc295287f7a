"""A MariaDB server of the tests' own: started in a temporary folder, as the user who runs them."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import IO

import pymysql

from evergreen.settings.metadata import MetadataSettings, MySqlSettings, TlsSettings

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
USER, PASSWORD = "evergreen", "a secret: $1 'quoted' \"twice\" 🚕"


class MariaDb:
    """A server on a port of 127.0.0.1; it may be stopped and started again.

    Args:
        folder: Where it keeps everything.
        prefix: Words before its command, such as those that give it a network of its own.
    """

    def __init__(self, folder: Path, prefix: Sequence[str] = ()) -> None:
        self._folder = folder
        self._prefix = prefix
        self._socket = folder / "socket"
        self._names = (f"evergreen_{number}" for number in itertools.count())
        self._process: subprocess.Popen[str] | None = None
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self._make_certificates()
        install = ["mariadb-install-db", "--no-defaults", *self._places()]
        install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, env={"PATH": PATH}, check=True, capture_output=True)

    @staticmethod
    def missing() -> str:
        """What is not installed, and how to get it; empty if all is there."""
        found = shutil.which("mariadbd", path=PATH)
        return "" if found else "MariaDB is not installed: apt-get install mariadb-server"

    @property
    def ca(self) -> Path:
        """The certificate that the server presents; it is its own authority."""
        return self._folder / "server.pem"

    @property
    def pid(self) -> int:
        """The process of the running server."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Returns when the server takes connections."""
        command = [
            *self._prefix,
            "mariadbd",
            "--no-defaults",
            *self._places(),
            f"--socket={self._socket}",
        ]
        command += [f"--tmpdir={self._folder}"]  # servers remove each other's temporary tables
        command += ["--bind-address=127.0.0.1", f"--port={self.port}"]
        command += [f"--ssl-ca={self.ca}", f"--ssl-cert={self.ca}"]
        command += ["--innodb-flush-log-at-trx-commit=2"]  # outlives a crash of the server's own
        command += [f"--ssl-key={self._folder / 'server.key'}"]
        self._process = subprocess.Popen(
            command, env={"PATH": PATH}, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr
        said = []
        for line in self._process.stderr:
            said.append(line)
            if "ready for connections" in line:
                Thread(target=_drain, args=[self._process.stderr], daemon=True).start()
                return
        raise AssertionError("MariaDB did not start:\n" + "".join(said))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the server: SIGTERM as an administrator would, SIGKILL as a crash."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection as the administrator, past the network."""
        return pymysql.connect(
            unix_socket=str(self._socket), user="root", autocommit=True, ssl_disabled=True
        )

    def sql(self, *statements: str) -> list[tuple]:
        """Runs statements as the administrator; returns the rows of the last."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def database(self, collation: str = "utf8mb4_bin") -> MySqlSettings:
        """Makes an empty database; its user's password is `PASSWORD`."""
        name = next(self._names)
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE {collation}")
            cursor.execute(f"CREATE USER IF NOT EXISTS {USER} IDENTIFIED BY %s", [PASSWORD])
            cursor.execute(f"GRANT ALL ON {name}.* TO {USER}")
        return MySqlSettings(host="127.0.0.1", port=self.port, database=name, user=USER)

    def encrypted(self, settings: MySqlSettings) -> MySqlSettings:
        """The same database, by TLS only."""
        return settings.model_copy(update={"tls": TlsSettings(ca=self.ca)})

    def kill_connections(self) -> int:
        """Ends all connections of the tests' user; returns how many there were."""
        ids = self.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'")
        for (number,) in ids:
            self.sql(f"KILL {number}")
        return len(ids)

    def _places(self) -> list[str]:
        user = ["--user=root"] if os.geteuid() == 0 else []
        return [f"--datadir={self._folder / 'data'}", *user]

    def _make_certificates(self) -> None:
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command += ["-keyout", str(self._folder / "server.key"), "-out", str(self.ca)]
        subprocess.run(command, check=True, capture_output=True)


def overrides(settings: MySqlSettings) -> list[str]:
    """Settings overrides that put ML Metadata into a database."""
    values = settings.model_dump(exclude_none=True)
    pairs = [f"metadata.mysql.{name}={value}" for name, value in values.items()]
    return ["metadata.sqlite=null", *pairs]


def metadata(settings: MySqlSettings) -> MetadataSettings:
    return MetadataSettings(mysql=settings)


def _drain(stream: IO[str]) -> None:
    """Reads on, so that the server never waits for a reader."""
    for _ in stream:
        pass
