"""Opens the ML Metadata store, and the small vocabulary that all of lineage shares."""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.settings.models import MetadataSettings

AlreadyExistsError = errors.AlreadyExistsError


def connection_config(settings: MetadataSettings) -> mlmd.ConnectionConfig:
    """The ML Metadata connection that the settings describe."""
    return _sqlite(settings.sqlite)


def open_store(settings: MetadataSettings) -> MetadataStore:
    """Opens the store, creating it on first use.

    Raises:
        EvergreenError: If the file is no metadata store or cannot be opened.
    """
    path = settings.sqlite
    try:
        if not path.exists():
            _create(path)
        return MetadataStore(_sqlite(path))
    except (errors.StatusError, OSError, RuntimeError, sqlite3.Error) as error:
        raise EvergreenError(
            f"{path}: cannot be opened as a metadata store: {error}",
            hint="Restore the file from a backup, or name another in metadata.sqlite.",
        ) from error


def _sqlite(path: Path) -> mlmd.ConnectionConfig:
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return config


def _create(path: Path) -> None:
    """Makes the store under another name, then puts it in place, unless another process was faster.

    It is in WAL mode, in which readers never block the one writer. That is set here, once, and not
    on a store in use: `ml-metadata` has an SQLite of its own, and a second SQLite library that
    closes the same file in the same process drops the locks of the first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
        new = Path(folder, path.name)
        with closing(sqlite3.connect(new)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        MetadataStore(_sqlite(new))  # makes the tables; closed when it is forgotten
        with suppress(FileExistsError):
            os.link(new, path)


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
