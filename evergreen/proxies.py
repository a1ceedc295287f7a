"""Which proxy leads to an address: that of the environment, and none to this machine.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as curl and Python read them, in
small letters too. NO_PROXY is `*`, or hosts and ends of hosts, with a port or without.
"""

import ipaddress
import socket
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3


def pool(address: str, **options: Any) -> urllib3.PoolManager:
    """Returns connections that lead to an address, through its proxy if it has one.

    Args:
        address: Of a server: `https://host/path`.
        **options: Of the `urllib3.PoolManager`.

    Raises:
        urllib3.exceptions.HTTPError: If the proxy's address is none.
    """
    proxy = proxy_of(address)
    if not proxy:
        return urllib3.PoolManager(**options)
    # Of the address, urllib3 2.8 takes neither user nor password.
    parts = urlsplit(proxy)
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    headers = urllib3.make_headers(proxy_basic_auth=user) if parts.username else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


def proxy_of(address: str) -> str:
    """Returns the address of the proxy that leads to a server; empty if none does."""
    parts = urlsplit(address)
    host, proxies = parts.hostname or "", getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not proxy or is_own(host) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def is_own(host: str) -> bool:
    """Whether a host is this machine, by its name or address; no name server is asked."""
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
