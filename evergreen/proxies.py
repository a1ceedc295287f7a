"""Proxies for addresses: those of the environment, and none to this machine.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as by curl and Python, also in
lower case. NO_PROXY is `*`, or host names and suffixes of them, with or without a port.
"""

import ipaddress
import socket
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3


def pool(address: str, **options: Any) -> urllib3.PoolManager:
    """Returns a connection pool for an address, through its proxy if it has one.

    Args:
        address: The server's address: `https://host/path`.
        **options: Options of the `urllib3.PoolManager`.

    Raises:
        urllib3.exceptions.HTTPError: If the proxy's address is invalid.
    """
    proxy = proxy_of(address)
    if not proxy:
        return urllib3.PoolManager(**options)
    # urllib3 2.8 reads neither user nor password from the address.
    parts = urlsplit(proxy)
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    headers = urllib3.make_headers(proxy_basic_auth=user) if parts.username else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


def proxy_of(address: str) -> str:
    """Returns the address of the proxy for a server; empty if there is none."""
    parts = urlsplit(address)
    host, proxies = parts.hostname or "", getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not proxy or is_own(host) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def is_own(host: str) -> bool:
    """Returns whether a host is this machine, by name or address, without asking a name server."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost") or name == socket.gethostname().lower():
        return True
    try:
        found = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified or _is_bound_here(found)


def _is_bound_here(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
