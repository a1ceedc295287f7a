"""Sends prepared requests, and only checks that the answer is not an error.

It runs in Locust's process, under gevent. A load generator that builds and parses messages measures
itself: here they are prepared in advance, and protobuf does not run at all.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import grpc
from geventhttpclient import HTTPClient

from evergreen.channels import channel as open_channel
from evergreen.serving.loadtest.plan import PREDICT, Round

Ask = Callable[[bytes], None]
"""Raises FailedError if there is no good answer."""
ERROR = 400
_numbers = count()


class FailedError(Exception):
    """Raised for a request without an answer, or with an error."""


def connect(round_: Round, concurrency: int) -> Ask:
    """Opens a separate connection, for several greenlets.

    Args:
        round_: The round.
        concurrency: The most HTTP connections.
    """
    return {"grpc": _grpc, "rest": _rest}[round_.target.address.protocol](round_, concurrency)


def _grpc(round_: Round, _: int) -> Ask:
    target = round_.target
    # A unique argument gives the channel its own connection: gRPC shares those of equal channels.
    options = [("evergreen.client", next(_numbers)), ("grpc.max_receive_message_length", -1)]
    keys = None
    if target.address.tls:
        keys = grpc.ssl_channel_credentials(target.ca.read_bytes() if target.ca else None)
    channel = open_channel(target.address.host, options, keys)
    predict = channel.unary_unary(PREDICT, None, None)
    metadata = tuple(target.headers.items())

    def ask(payload: bytes) -> None:
        try:
            predict(payload, timeout=round_.timeout, metadata=metadata)
        except grpc.RpcError as error:
            raise FailedError(f"{error.code().name}: {error.details()}") from error

    return ask


def _rest(round_: Round, concurrency: int) -> Ask:
    target = round_.target
    trust: dict[str, Any] = {"ssl_options": {"ca_certs": str(target.ca)}} if target.ca else {}
    client = HTTPClient.from_url(
        f"{target.address}/",
        concurrency=concurrency,
        network_timeout=round_.timeout,
        connection_timeout=round_.timeout,
        headers=target.headers | {"content-type": "application/json"},
        **trust,
    )

    def ask(payload: bytes) -> None:
        try:
            response = client.post(target.path, payload)
            body = response.read()
        except (OSError, ValueError) as error:  # ValueError: the answer is not HTTP
            raise FailedError(f"{type(error).__name__}: {error}") from error
        if response.status_code >= ERROR:
            raise FailedError(f"HTTP {response.status_code}: {bytes(body[:200]).decode()}")

    return ask
