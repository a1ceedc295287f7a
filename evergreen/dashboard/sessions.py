"""Sessions that expire, and attempts to sign in that are slowed down."""

import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MOST_SESSIONS = 100
MOST_ADDRESSES = 1000
"""The most addresses whose failed attempts are remembered."""
FREE_TRIES = 3
"""Failed attempts without a wait, since people mistype."""
LONGEST_WAIT = 300.0
"""The longest wait, in seconds."""
HOUR = 3600.0


@dataclass
class Sessions:
    """The sessions of those who know the token.

    Attributes:
        token: The token that begins a session; empty to allow none.
        hours: The length of a session.
        clock: A monotonic clock, in seconds.
    """

    token: str = ""
    hours: float = 8.0
    clock: Callable[[], float] = time.monotonic
    _words: dict[str, tuple[str, float]] = field(default_factory=dict)
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)

    def begin(self, token: str) -> str | None:
        """Returns the id of a new session; None if the token is wrong."""
        if not self.token or not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        session = secrets.token_urlsafe(32)
        self._words[session] = secrets.token_urlsafe(32), self.clock() + self.hours * HOUR
        _forget_oldest(self._words, MOST_SESSIONS)
        return session

    def word(self, session: str) -> str:
        """Returns the word in a session's forms; empty without a current session."""
        word, ends = self._words.get(session, ("", 0.0))
        if word and self.clock() >= ends:
            self.end(session)
            return ""
        return word

    def end(self, session: str) -> None:
        """Ends a session."""
        self._words.pop(session, None)

    def wait(self, address: str) -> float:
        """Returns the seconds until an address may try again; 0 if it may now."""
        return max(self._tries.get(_network(address), (0, 0.0))[1] - self.clock(), 0.0)

    def failed(self, address: str) -> None:
        """Counts a wrong token: after a few, each doubles the wait until the next attempt."""
        network = _network(address)
        count = self._tries.pop(network, (0, 0.0))[0] + 1
        wait = min(2.0 ** (count - FREE_TRIES), LONGEST_WAIT) if count > FREE_TRIES else 0.0
        self._tries[network] = count, self.clock() + wait
        _forget_oldest(self._tries, MOST_ADDRESSES)

    def succeeded(self, address: str) -> None:
        """Forgets the wrong tokens of an address."""
        self._tries.pop(_network(address), None)


def _network(address: str) -> str:
    """Returns the network of an address, since an IPv6 user has 2**64 addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))


def _forget_oldest(kept: dict[str, Any], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
