"""Opens the ML Metadata store, and the small vocabulary that all of lineage shares."""

import sqlite3
from contextlib import closing
from pathlib import Path

from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.settings.models import MetadataSettings

AlreadyExistsError = errors.AlreadyExistsError


def connection_config(settings: MetadataSettings) -> mlmd.ConnectionConfig:
    """The ML Metadata connection that the settings describe."""
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(settings.sqlite)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return config


def open_store(settings: MetadataSettings) -> MetadataStore:
    """Opens the store, creating it on first use.

    Raises:
        EvergreenError: If the file is no metadata store or cannot be opened.
    """
    _create(settings.sqlite)
    try:
        return MetadataStore(connection_config(settings))
    except (errors.StatusError, RuntimeError) as error:
        raise EvergreenError(
            f"{settings.sqlite}: cannot be opened as a metadata store: {error}",
            hint="Restore the file from a backup, or name another in metadata.sqlite.",
        ) from error


def _create(path: Path) -> None:
    """Makes the file, in WAL mode, in which readers never block the one writer (set once, kept).

    Only a file that does not exist is touched: `ml-metadata` has an SQLite of its own, and a second
    SQLite library that closes the same file in the same process drops the locks of the first.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")


def context_type(store: MetadataStore, name: str) -> int:
    """Returns the id of a context type, registering it on first use."""
    return int(store.put_context_type(mlmd.ContextType(name=name)))


def set_properties(message: mlmd.Context | mlmd.Artifact, values: dict[str, str | int]) -> None:
    """Sets custom properties of a message; strings and integers only."""
    for key, value in values.items():
        slot = message.custom_properties[key]
        if isinstance(value, int):
            slot.int_value = value
        else:
            slot.string_value = value
