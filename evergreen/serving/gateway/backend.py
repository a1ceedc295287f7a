"""The server behind the gateway: its connections, and its loaded versions."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import aiohttp
import grpc
from yarl import URL

from evergreen.channels import aio_channel
from evergreen.serving.client.failures import OF_HTTP
from evergreen.serving.gateway.access import REQUEST_ID
from evergreen.serving.protos import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelSpec,
    ModelVersionStatus,
)
from evergreen.settings.gateway import BackendSettings

Code = grpc.StatusCode
PREDICTION = "/tensorflow.serving.PredictionService"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
METHODS = (
    *(f"{PREDICTION}/{name}" for name in ("Predict", "Classify", "Regress", "MultiInference")),
    f"{PREDICTION}/GetModelMetadata",
    STATUS,
)
CONNECT_SECONDS = 1.0
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),  # also limits the time to connect
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # a separate back-off
]
"""A backend that returns is found within a second."""
ERROR = 400
GONE = "The model server does not answer."


class Answer(NamedTuple):
    """An answer of the backend.

    Attributes:
        code: OK, or the reason of the failure.
        body: The body of a REST answer, also of an error; of a gRPC answer, empty for an error.
        message: The message of a gRPC error.
        status: The status of a REST answer.
        content_type: The content type of a REST answer.
        is_gone: Whether the connection failed.
    """

    code: Code
    body: bytes = b""
    message: str = ""
    status: int = 0
    content_type: str = ""
    is_gone: bool = False


class Backend:
    """Connections to a server, which recover when it starts later or restarts."""

    def __init__(self, settings: BackendSettings) -> None:
        self._settings = settings
        self._channel = aio_channel(settings.grpc, OPTIONS, proxy=settings.proxy)
        self._methods = {path: self._channel.unary_unary(path, None, None) for path in METHODS}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=settings.proxy,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=["User-Agent", "Accept", "Accept-Encoding"],
        )

    async def call(
        self, method: str, data: bytes, request_id: str, seconds: float | None = None
    ) -> Answer:
        """Forwards a gRPC request.

        Args:
            method: Its path, one of `METHODS`.
            data: The request, serialized.
            request_id: The id to send along.
            seconds: The client's remaining time; None if it set no deadline.
        """
        limit = self._settings.timeout_seconds
        timeout = limit if seconds is None else min(seconds, limit)
        try:
            call = self._methods[method](
                data, timeout=timeout, metadata=((REQUEST_ID, request_id),)
            )
            return Answer(Code.OK, await call)
        except grpc.aio.AioRpcError as error:
            is_gone = error.code() is Code.UNAVAILABLE and not self._is_connected()
            return Answer(error.code(), message=error.details() or "", is_gone=is_gone)

    async def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Forwards a REST request.

        Args:
            method: GET, POST, ...
            path: The encoded path.
            body: The uncompressed body.
            headers: The headers to send.
        """
        url = URL(f"http://{self._settings.rest}{path}", encoded=True)
        timeout = aiohttp.ClientTimeout(
            total=self._settings.timeout_seconds, sock_connect=CONNECT_SECONDS
        )
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, timeout=timeout
            ) as response:
                status, kind = response.status, response.headers.get("Content-Type", "")
                code = OF_HTTP.get(status, Code.UNKNOWN) if status >= ERROR else Code.OK
                return Answer(code, await response.read(), status=status, content_type=kind)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientError):
            return Answer(Code.UNAVAILABLE, message=GONE, is_gone=True)
        except TimeoutError:
            return Answer(Code.DEADLINE_EXCEEDED, message="Timed out waiting for the model server.")

    async def available(self, model: str) -> set[int] | None:
        """Returns the loaded versions of a model; None if the server does not answer."""
        request = GetModelStatusRequest(model_spec=ModelSpec(name=model))
        answer = await self.call(STATUS, request.SerializeToString(), "status")
        if answer.code is Code.NOT_FOUND:
            return set()
        if answer.code is not Code.OK:
            return None
        states = GetModelStatusResponse.FromString(answer.body).model_version_status
        return {state.version for state in states if state.state == ModelVersionStatus.AVAILABLE}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._channel.close(None)

    def _is_connected(self) -> bool:
        return self._channel.get_state() is grpc.ChannelConnectivity.READY
