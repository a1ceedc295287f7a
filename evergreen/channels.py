"""gRPC channels to servers: each goes straight to its address.

gRPC sends what it asks of any address through the proxy that `http_proxy` and its like name, of
this machine's own as well: the server behind it is then asked nothing, and nobody is told.
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
        options: Of gRPC.
        credentials: For TLS; None: nothing is encrypted.
        proxy: Whether the environment's proxies hold for it.
    """
    options = [*options, (PROXY, int(proxy))]
    if credentials:
        return grpc.secure_channel(address, credentials, options=options)
    return grpc.insecure_channel(address, options=options)


def aio_channel(address: str, options: Options = (), *, proxy: bool = False) -> grpc.aio.Channel:
    """As `channel`, for asyncio; not encrypted."""
    return grpc.aio.insecure_channel(address, options=[*options, (PROXY, int(proxy))])
