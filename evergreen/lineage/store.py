"""Opens the ML Metadata store, and has the helpers that all of lineage shares."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from pydantic import BaseModel, ValidationError

from evergreen.errors import EvergreenError
from evergreen.lineage import mysql, sqlite
from evergreen.settings.metadata import MetadataSettings

AlreadyExistsError = errors.AlreadyExistsError
Values = TypeVar("Values", bound=BaseModel)


class ConflictError(EvergreenError):
    """Raised when somebody else wrote to a log at the same moment."""


def connection_config(settings: MetadataSettings) -> mlmd.ConnectionConfig:
    """Returns the connection that the settings describe; it holds no secret."""
    if settings.mysql:
        return mysql.config(settings.mysql)
    assert settings.sqlite is not None
    return sqlite.config(settings.sqlite)


def open_store(settings: MetadataSettings) -> MetadataStore:
    """Opens the store that the settings describe, creating it on first use.

    Raises:
        EvergreenError: As for `open_connection`.
    """
    return open_connection(connection_config(settings))


def open_connection(connection: mlmd.ConnectionConfig) -> MetadataStore:
    """Opens the store of a connection; its calls are repeated on passing failures.

    Raises:
        EvergreenError: If the file is no store, or the database cannot be used.
    """
    opener = mysql if connection.HasField("mysql") else sqlite
    return opener.connect(connection)


def context_type(store: MetadataStore, name: str) -> int:
    """Returns the id of a context type, registering it on first use."""
    return int(store.put_context_type(mlmd.ContextType(name=name)))


def take_name(store: MetadataStore, type_name: str, context: mlmd.Context) -> None:
    """Stores a context under a name that is not taken.

    Storing the same content again is no error, since a write is repeated if the connection is lost
    before its answer arrives.

    Raises:
        AlreadyExistsError: If the name is taken.
    """
    try:
        store.put_contexts([context])
    except AlreadyExistsError:
        taken = store.get_context_by_type_and_name(type_name, context.name)
        if dict(taken.custom_properties) != dict(context.custom_properties):
            raise


def append(
    store: MetadataStore, type_name: str, context: mlmd.Context, log: str, look: str
) -> None:
    """Stores the next entry of a log, whose name is its number.

    Args:
        store: The store.
        type_name: The type of the log's entries.
        context: The entry.
        log: What to call the log.
        look: What to do after a conflict.

    Raises:
        ConflictError: If the number is taken.
    """
    try:
        take_name(store, type_name, context)
    except AlreadyExistsError as error:
        raise ConflictError(
            f"{log}: somebody else wrote to it at the same moment.", hint=look
        ) from error


def set_properties(
    message: mlmd.Context | mlmd.Artifact | mlmd.Execution, values: Mapping[str, str | int | float]
) -> None:
    """Sets custom properties of a message.

    Use floats, in seconds, for times: integers have 32 bits on MySQL.
    """
    for key, value in values.items():
        slot = message.custom_properties[key]
        if isinstance(value, int):
            slot.int_value = value
        elif isinstance(value, float):
            slot.double_value = value
        else:
            slot.string_value = value


def parse(values: type[Values], text: str, what: str) -> Values:
    """Parses a value that was stored as JSON.

    Raises:
        EvergreenError: If this version of Evergreen does not write such values.
    """
    try:
        return _validated(values, text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise EvergreenError(
            f"{what} is damaged, or of another version of Evergreen: {where}: {first['msg']}",
            hint="Use the version that wrote it, or a newer one.",
        ) from error


@lru_cache(maxsize=4096)
def _validated(values: type[Values], text: str) -> Values:
    """Cached, since values are frozen and a dashboard reads the same ones again and again."""
    return values.model_validate_json(text)
