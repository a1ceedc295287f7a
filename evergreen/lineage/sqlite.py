"""ML Metadata in an SQLite file, for one machine."""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.lineage.retries import RetryingStore


def config(path: Path) -> mlmd.ConnectionConfig:
    """Returns the connection to a file."""
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return config


def connect(connection: mlmd.ConnectionConfig) -> RetryingStore:
    """Opens the store of a file, creating it on first use.

    Raises:
        EvergreenError: If the file is no metadata store or cannot be opened.
    """
    path = Path(connection.sqlite.filename_uri)
    try:
        if not path.exists():
            _create(path)
        return RetryingStore(connection)
    except (errors.StatusError, OSError, RuntimeError, sqlite3.Error) as error:
        raise EvergreenError(
            f"{path}: cannot be opened as a metadata store: {error}",
            hint="Restore the file from a backup, or name another in metadata.sqlite.",
        ) from error


def _create(path: Path) -> None:
    """Creates the store under another name and links it into place, unless one is there.

    It uses WAL mode, in which readers never block the one writer. The mode is set here, and never
    on a store in use: `ml-metadata` contains its own SQLite library, and a second one that closes
    the same file in the same process drops the locks of the first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
        new = Path(folder, path.name)
        with closing(sqlite3.connect(new)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        MetadataStore(config(new))  # creates the tables, and closes when it is collected
        with suppress(FileExistsError):
            os.link(new, path)
