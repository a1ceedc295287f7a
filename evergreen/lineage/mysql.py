"""ML Metadata in MySQL or MariaDB, for several machines.

The password is read from the environment when a connection is opened, so it never stands in
settings, logs or compiled pipelines. The database must exist and have a case-sensitive collation,
so that names compare as in SQLite.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.retries import PATIENCE, RetryingStore, StoreError
from evergreen.settings.metadata import MySqlSettings

PASSWORD = "EVERGREEN_MYSQL_PASSWORD"  # noqa: S105 - the name of the variable
COLLATION = "utf8mb4_bin"
PASSING = {1040, 1053, 2003, 2013}
"""Too many connections, shutting down, no answer, connection lost after an answer."""
HINTS = {
    1044: "Grant it: GRANT ALL ON {database}.* TO '{user}';",
    1045: f"Compare metadata.mysql.user and {PASSWORD} with the server's user.",
    1049: "Create it: CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE " + COLLATION + ";",
    2003: "See whether the server runs, and compare metadata.mysql.host and port with it.",
    2026: "Compare metadata.mysql.tls with the server's certificates.",
}


def config(settings: MySqlSettings) -> mlmd.ConnectionConfig:
    """Returns the connection to a server, without the password."""
    config = mlmd.ConnectionConfig()
    mysql = config.mysql
    mysql.host, mysql.port = settings.host, settings.port
    mysql.database, mysql.user = settings.database, settings.user
    mysql.skip_db_creation = True  # only the administrator may create databases
    if settings.tls:
        given = settings.tls.model_dump(include={"ca", "cert", "key"}, exclude_none=True)
        for name, path in given.items():
            setattr(mysql.ssl_options, name, str(path))
    return config


def connect(connection: mlmd.ConnectionConfig, patience: float = PATIENCE) -> RetryingStore:
    """Opens the store of a database, creating its tables on first use.

    Args:
        connection: As returned by `config`.
        patience: Seconds to wait for a server that does not answer.

    Raises:
        StoreError: If there is no password, the server does not answer or refuses, or the database
            does not exist or is unfit.
    """
    complete = mlmd.ConnectionConfig()
    complete.CopyFrom(connection)
    complete.mysql.password = _password()
    try:
        return RetryingStore(complete, lambda: _login(complete.mysql), patience)
    except RuntimeError as error:
        raise StoreError(
            f"{_place(connection.mysql)} cannot be opened as a metadata store: {error}",
            hint="ml-metadata logs in by mysql_native_password: see that the user may.",
        ) from error


def sql(settings: MySqlSettings, seconds: int) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """Opens a separate connection that bypasses ML Metadata.

    Args:
        settings: The server.
        seconds: Seconds without an answer after which either side closes the connection.

    Raises:
        StoreError: If there is no password, or the server does not answer or refuses.
    """
    mysql = config(settings).mysql
    mysql.password = _password()
    limits = {"read_timeout": seconds, "write_timeout": seconds}
    try:
        connection = pymysql.connect(**{**_arguments(mysql), **limits}, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION wait_timeout = %s", [seconds])
    except pymysql.err.OperationalError as error:
        raise _refusal(mysql, error) from error
    return connection


def _password() -> str:
    try:
        return os.environ[PASSWORD]
    except KeyError:
        raise StoreError(
            f"the password of the metadata database is missing: {PASSWORD} is not set.",
            hint=f"Put it into the environment: read -rs {PASSWORD} && export {PASSWORD}",
        ) from None


@contextmanager
def _login(mysql: mlmd.MySQLDatabaseConfig) -> Iterator[None]:
    """Connects as ml-metadata will: ml-metadata (1.17.1) does not say why it cannot connect.

    Holds a server lock meanwhile, because two processes that create the tables at once both fail.
    """
    try:
        connection = pymysql.connect(**_arguments(mysql))
    except pymysql.err.OperationalError as error:
        raise _refusal(mysql, error) from error
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@collation_database, GET_LOCK(%s, 60)", [f"ml {mysql.database}"])
        collation = str((cursor.fetchone() or [""])[0])
        if not collation.endswith("_bin"):
            raise StoreError(
                f"{_place(mysql)}: {collation}, its collation, takes upper for lower case.",
                hint=f"Before its tables are made: ALTER DATABASE {mysql.database}"
                f" CHARACTER SET utf8mb4 COLLATE {COLLATION};",
            )
        yield


def _arguments(mysql: mlmd.MySQLDatabaseConfig) -> dict[str, Any]:
    tls = mysql.ssl_options
    return {
        "host": mysql.host,
        "port": mysql.port,
        "user": mysql.user,
        "password": mysql.password.encode(),
        "database": mysql.database,
        "connect_timeout": 10,
        "ssl_ca": tls.ca or None,
        "ssl_cert": tls.cert or None,
        "ssl_key": tls.key or None,
        "ssl_verify_cert": bool(tls.ca) or None,
        "ssl_verify_identity": bool(tls.ca) or None,
    }


def _refusal(mysql: mlmd.MySQLDatabaseConfig, error: pymysql.err.OperationalError) -> StoreError:
    code, text = error.args[0], error.args[-1]
    if isinstance(error.__context__, ssl.SSLError):
        code = 2026  # PyMySQL (1.2) reports it as "cannot connect"
    hint = HINTS.get(code, "").format(database=mysql.database, user=mysql.user)
    return StoreError(f"{_place(mysql)}: {text}", hint=hint, passing=code in PASSING)


def _place(mysql: mlmd.MySQLDatabaseConfig) -> str:
    return f"database {mysql.database} of {mysql.user}@{mysql.host}:{mysql.port}"
