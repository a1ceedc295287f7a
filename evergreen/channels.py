"""gRPC channels that lead straight to their address, past proxies.

By default gRPC sends requests through the proxy in `http_proxy` and similar variables, even those
to this machine: they would never reach the server, without any message.
"""

from collections.abc import Sequence
from typing import Any

import grpc

Options = Sequence[tuple[str, Any]]
PROXY = "grpc.enable_http_proxy"


def channel(
    address: str, options: Options = (), credentials: Any = None, *, proxy: bool = False
) -> grpc.Channel:
    """Opens a channel.

    Args:
        address: host:port.
        options: gRPC's options.
        credentials: The credentials for TLS; None for no encryption.
        proxy: Whether to use the environment's proxies.
    """
    options = [*options, (PROXY, int(proxy))]
    if credentials:
        return grpc.secure_channel(address, credentials, options=options)
    return grpc.insecure_channel(address, options=options)


def aio_channel(address: str, options: Options = (), *, proxy: bool = False) -> grpc.aio.Channel:
    """Opens a channel for asyncio, like `channel`, without encryption."""
    return grpc.aio.insecure_channel(address, options=[*options, (PROXY, int(proxy))])
