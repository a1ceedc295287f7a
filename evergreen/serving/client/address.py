"""Addresses of servers, with their protocols."""

import re
from dataclasses import dataclass
from typing import Literal, Self

from evergreen.errors import EvergreenError

Protocol = Literal["grpc", "rest"]
DEFAULTS: dict[Protocol, str] = {"grpc": "127.0.0.1:8500", "rest": "127.0.0.1:8501"}
"""The addresses on which `evergreen serve` and TensorFlow Serving listen."""
SCHEMES: dict[str, tuple[Protocol, bool]] = {
    "grpc": ("grpc", False),
    "grpcs": ("grpc", True),
    "http": ("rest", False),
    "https": ("rest", True),
}
PLAIN: dict[Protocol, str] = {"grpc": "grpc", "rest": "http"}
_TARGET = re.compile(r"(\w+)://((?:[\w.-]+|\[[\da-fA-F:]+\]):\d{1,5})/?")


@dataclass(frozen=True)
class Address:
    """A server's address.

    Attributes:
        protocol: The API.
        host: Host and port.
        tls: Whether the connection is encrypted.
    """

    protocol: Protocol
    host: str
    tls: bool

    @classmethod
    def parse(cls, target: str, protocol: Protocol = "grpc") -> Self:
        """Parses `host:port`, or a URL: `grpc://`, `grpcs://`, `http://`, `https://`.

        Args:
            target: The text; this machine's default port if empty.
            protocol: The API if the text is not a URL.

        Raises:
            EvergreenError: If it is neither.
        """
        text = target or DEFAULTS[protocol]
        match = _TARGET.fullmatch(text if "://" in text else f"{PLAIN[protocol]}://{text}")
        if not match or match[1] not in SCHEMES:
            raise EvergreenError(
                f"{target!r} is not the address of a server.",
                hint="Write host:port, such as 127.0.0.1:8500, or http://host:port.",
            )
        known, tls = SCHEMES[match[1]]
        return cls(known, match[2], tls)

    def __str__(self) -> str:
        scheme = next(name for name, kind in SCHEMES.items() if kind == (self.protocol, self.tls))
        return f"{scheme}://{self.host}"
