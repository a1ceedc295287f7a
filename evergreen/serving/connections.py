"""Limits for the connections of an HTTP server: their number, and the duration of requests.

aiohttp waits an hour for the rest of a request, and accepts any number of connections: a few
thousand idle ones would lock out all others.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger

log = logging.getLogger(__name__)


class _Malformed(logging.Filter):
    """Removes the traceback that aiohttp logs for each request that is not HTTP."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


server_logger.addFilter(_Malformed())
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n"
)


@dataclass(frozen=True)
class Limits:
    """The limits of one server.

    The times follow Apache's mod_reqtimeout: slow requests are accepted, if they arrive at the rate
    of a real line.

    Attributes:
        connections: The most open connections. A further one replaces the one that has waited
            longest without a complete request; if all have a request, it is refused (503).
        request_seconds: The time for a request, head and body, from its first byte.
        bytes_per_second: The bytes whose arrival extends the time by a second.
        idle_seconds: How long a connection stays open between two requests.
    """

    connections: int = 1000
    request_seconds: float = 20.0
    bytes_per_second: int = 500
    idle_seconds: float = 75.0


@dataclass(eq=False)
class Listening:
    """An open port.

    Attributes:
        port: The port number.
    """

    port: int
    _runner: web.AppRunner

    async def cleanup(self) -> None:
        """Closes the port, and the connections once their requests are answered."""
        await self._runner.cleanup()


async def listen(
    app: web.Application,
    host: str,
    port: int,
    limits: Limits | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    drain_seconds: float = 1.0,
) -> Listening:
    """Serves an application within limits.

    Args:
        app: The application, not yet started.
        host: An address or name; empty for all addresses.
        port: The port; 0 for any free one.
        limits: The limits of the connections.
        tls: Certificate and key, for https.
        drain_seconds: The longest wait for requests in flight at the end.

    Raises:
        OSError: If the port cannot be opened.
    """
    door = _Door(limits or Limits())
    app.middlewares.insert(0, door.watch)
    app.on_shutdown.append(door.close)
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=drain_seconds,
        keepalive_timeout=door.limits.idle_seconds,
    )
    await runner.setup()
    try:
        return Listening(await door.open(cast(web.Server, runner.server), host, port, tls), runner)
    except OSError:
        await runner.cleanup()
        raise


@dataclass(eq=False)
class _Door:
    limits: Limits
    _connections: "dict[web.RequestHandler, _Connection]" = field(default_factory=dict)
    _listener: asyncio.Server | None = None

    async def open(
        self, server: web.Server, host: str, port: int, tls: ssl.SSLContext | None
    ) -> int:
        loop = asyncio.get_running_loop()
        handshake = self.limits.request_seconds if tls else None
        self._listener = await loop.create_server(
            lambda: _Connection(self, server()),
            host or None,
            port,
            ssl=tls,
            ssl_handshake_timeout=handshake,
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self, app: web.Application) -> None:
        del app
        if self._listener is not None:
            self._listener.close()

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Tells a request's connection when its head, and when its body, has arrived."""
        connection = self._connections.get(request.protocol)
        if connection is None:  # closed meanwhile
            return await handler(request)
        connection.begin()
        request.content.on_eof(connection.complete)
        try:
            return await handler(request)
        except ConnectionResetError:
            if not connection.is_lost:
                raise
            return web.Response()  # nobody reads it, and it logs no fault
        finally:
            connection.end()

    def admit(self, connection: "_Connection") -> bool:
        """Returns whether there is room for another connection, after making room if possible."""
        if len(self._connections) >= self.limits.connections:
            waiting = next(
                (
                    connection
                    for connection in self._connections.values()
                    if not connection.is_whole
                ),
                None,
            )
            if waiting is None:
                return False
            waiting.drop("another needed its place")
        self.put_last(connection)
        return True

    def put_last(self, connection: "_Connection") -> None:
        """Moves it to the end of the waiting connections."""
        self.forget(connection)
        self._connections[connection.inner] = connection

    def forget(self, connection: "_Connection") -> None:
        self._connections.pop(connection.inner, None)


class _Connection(asyncio.Protocol):
    """Wraps aiohttp's protocol, and notes when bytes arrive."""

    def __init__(self, door: _Door, inner: web.RequestHandler) -> None:
        self.inner = inner
        self.is_busy = False  # from the head of a request to the end of its answer
        self.is_whole = False  # from the end of its body to the end of its answer
        self._door = door
        self._transport: asyncio.Transport | None = None
        self.is_lost = False
        self._is_admitted = False
        self._has_begun = False  # whether bytes of a request have arrived
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's does not subclass it
        self._transport = transport
        self._is_admitted = self._door.admit(self)
        if self._is_admitted:
            self.inner.connection_made(transport)
            self._start()
        else:
            log.warning("connection refused: %d are open", self._door.limits.connections)
            transport.write(FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        if not self._is_admitted:
            return
        if self._timer is None and not self.is_busy:
            self._start()
        self._has_begun = True
        self._due += len(data) / self._door.limits.bytes_per_second
        self.inner.data_received(data)

    def eof_received(self) -> None:
        if self._is_admitted:
            self.inner.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop()
        self.is_lost = True
        if self._is_admitted:
            self._door.forget(self)
            self.inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._is_admitted:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        if self._is_admitted:
            self.inner.resume_writing()

    def begin(self) -> None:
        """Notes that the head of a request has arrived, perhaps right after another request."""
        self.is_busy = True
        if self._timer is None:
            self._start()

    def complete(self) -> None:
        """Notes that the body of a request has arrived."""
        self._stop()
        self.is_whole = self.is_busy

    def end(self) -> None:
        """Notes that the request was answered; aiohttp then waits for the next."""
        self._stop()
        self.is_busy = self.is_whole = self._has_begun = False
        if not self.is_lost:
            self._door.put_last(self)

    def drop(self, why: str) -> None:
        """Closes the connection, with an error if a request has begun and no answer has.

        Without a request, the client would take the error for the answer to its next one.
        """
        log.info("connection closed: %s", why)
        if self._has_begun and not self.is_busy and self._transport is not None:
            self._transport.write(TIMED_OUT)
        self._stop()
        self.is_lost = True
        self._door.forget(self)
        self.inner.force_close()

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + self._door.limits.request_seconds
        self._timer = loop.call_at(self._due, self._look)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Closes the connection, unless bytes have arrived or this process is not reading them."""
        loop = asyncio.get_running_loop()
        if self._transport is not None and not self._transport.is_reading():
            self._due = loop.time() + self._door.limits.request_seconds
        if loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._look)
        else:
            self.drop("a request did not come in time")
