"""A metadata store that survives deadlocks, lost connections and restarts of the server."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from google.protobuf.message import Message
from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.metadata_store.pywrap.metadata_store_extension import metadata_store as extension
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from evergreen.errors import EvergreenError
from evergreen.lineage.filters import check
from evergreen.texts import visible

PATIENCE = 120.0
"""Seconds, enough for a database pod to move to another machine."""
LOST = (
    "Lost connection to",
    "server has gone away",
    "Connection was killed",
    "Server shutdown in progress",
)
"""Parts of the messages for an ended connection (ml-metadata 1.17.1 gives no error numbers)."""

ROLLED_BACK = "try restarting transaction"
"""Part of the messages for a deadlock and a lock timeout. (ml-metadata 1.17.1 raises an
AbortedError only if they hit a statement that writes.)"""
REFUSED = "mysql_real_connect failed"
NOT_SURE = "See what is there, or run the command again: what is finished is not done twice."

LONGEST = 100
"""Letters of a reason: ml-metadata's may have all that was to be written."""
FAILED = "Is the disk full? If the store is damaged, restore it from a backup."

_log = logging.getLogger(__name__)
_inherited: list[Any] = []


class StoreError(EvergreenError):
    """Raised when the metadata store cannot be used.

    Attributes:
        passing: Whether it may be usable again soon.
    """

    def __init__(self, message: str, *, hint: str = "", passing: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.passing = passing


class RetryingStore(MetadataStore):
    """ML Metadata's store, which repeats calls that fail for passing reasons.

    Threads may share it, and a forked process may use it.

    `ml-metadata` (1.17.1) repeats only aborted calls, up to four times with two seconds between
    them on average, and crashes when it is used after the server was away for a while: so a
    connection that ended is replaced.
    """

    def __init__(
        self,
        config: mlmd.ConnectionConfig,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
        patience: float = PATIENCE,
    ) -> None:
        """Connects, and creates the tables on first use.

        Args:
            config: The connection, complete with its password.
            guard: The context in which each connection is made; raises a `StoreError` if connecting
                is impossible. (`ml-metadata` 1.17.1 does not say why it cannot connect.)
            patience: The seconds during which a call is repeated.

        Raises:
            StoreError: The error of `guard`, after `patience` seconds.
            RuntimeError: If connecting fails for another reason.
        """
        self._config = config
        self._guard = guard
        self._patience = patience
        self._using_db_connection = True
        self._own()
        for attempt in _retrying(_passes, patience):
            with attempt:
                self._connect()

    def _connect(self) -> None:
        try:
            self._create()
        except RuntimeError as error:
            if REFUSED not in str(error):
                raise
            self._create()  # if the server went away just now, the guard raises

    def _create(self) -> None:
        # Bypasses the parent's `__init__`, which logs the password at level DEBUG (1.17.1).
        with self._guard():
            self._metadata_store: Any = extension.CreateMetadataStore(
                self._config.SerializeToString(), mlmd.MigrationOptions().SerializeToString()
            )

    def _own(self) -> None:
        self._owner, self._lock, self._metadata_store = os.getpid(), threading.Lock(), None

    def _call(
        self, method_name: str, request: Message, response: Message, extra_options: Any = None
    ) -> None:
        """Carries out a call; every method of the store ends here."""
        if method_name.startswith("Get"):
            check(request)
        if self._owner != os.getpid():
            # Never closed, since closing would end the parent's connection on the server.
            _inherited.append(self._metadata_store)
            self._own()
        passes = _passes if may_be_repeated(request) else _passes_unsent
        try:
            for attempt in _retrying(passes, self._patience):
                with attempt, self._lock:
                    self._try(method_name, request, response)
        except (errors.InternalError, errors.AbortedError) as error:
            raise _explain(error, method_name) from error

    def _try(self, method_name: str, request: Message, response: Message) -> None:
        if self._metadata_store is None:
            self._connect()
        try:
            self._call_method(method_name, request, response)
        except errors.InternalError as error:
            if _is_lost(error):
                self._metadata_store = None
            raise


def _explain(error: Exception, method_name: str) -> StoreError:
    """Returns the error for a call that failed for good."""
    if _is_lost(error):
        message = f"the connection to the metadata store was lost: {error}; {method_name}"
        return StoreError(f"{message} may or may not be done.", hint=NOT_SURE)
    if _passes_unsent(error):
        return StoreError(
            f"the metadata store is locked by another process; {method_name} is not done.",
            hint="See what holds it, such as a backup; then run the command again.",
            passing=True,
        )
    return StoreError(f"the metadata store has failed in {method_name}: {error}", hint=FAILED)


def _retrying(passes: Callable[[BaseException], bool], patience: float) -> Retrying:
    """Repeats with exponential and random waits, so that colliding writers do not collide again."""
    return Retrying(
        retry=retry_if_exception(passes),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        stop=stop_after_delay(patience),
        before_sleep=_tell,
        reraise=True,
    )


def contended(conflict: type[Exception], patience: float = PATIENCE) -> Retrying:
    """Repeats a write that lost against another, with random waits so that both succeed.

    Args:
        conflict: The exception that is raised on losing.
        patience: The seconds after which the exception reaches the caller.
    """
    return Retrying(
        retry=retry_if_exception_type(conflict),
        wait=wait_random_exponential(multiplier=0.02, max=2),
        stop=stop_after_delay(patience),
        reraise=True,
    )


def _passes(error: BaseException) -> bool:
    return _passes_unsent(error) or _is_lost(error)


def _passes_unsent(error: BaseException) -> bool:
    """Returns whether nothing was written: rolled back, or never connected."""
    if isinstance(error, StoreError):
        return error.passing
    rolled_back = isinstance(error, errors.InternalError) and ROLLED_BACK in str(error)
    return rolled_back or isinstance(error, errors.AbortedError)


def _is_lost(error: BaseException) -> bool:
    """Returns whether the connection ended."""
    if isinstance(error, errors.InternalError) and REFUSED in str(error):
        return True  # ml-metadata had tried to reconnect
    lost = any(text in str(error) for text in LOST)
    return lost and isinstance(error, errors.InternalError | RuntimeError)


def may_be_repeated(request: Message) -> bool:
    """Returns whether a request may be sent again although it was perhaps carried out.

    It may if nothing can exist twice afterwards: if it only reads, or if all that it writes has an
    id or a name, each of which can be taken only once.
    """
    return all(node.HasField("id") or node.HasField("name") for node in _nodes(request))


def _nodes(message: Message) -> Iterator[Any]:
    """Yields the artifacts, executions and contexts in a request."""
    for _, value in message.ListFields():
        for part in value if _is_many(value) else [value]:
            if isinstance(part, mlmd.Artifact | mlmd.Execution | mlmd.Context):
                yield part
            elif isinstance(part, Message):
                yield from _nodes(part)


def _is_many(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _tell(state: RetryCallState) -> None:
    assert state.outcome is not None
    assert state.next_action is not None
    reason = visible(str(state.outcome.exception()).partition("\n")[0], LONGEST)
    seconds = state.next_action.sleep
    _log.warning("the metadata store: %s; trying again in %.1f s", reason, seconds)
