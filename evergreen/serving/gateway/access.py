"""Access checks that both APIs make before they read a request, and ids of requests."""

import random
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evergreen.serving.gateway.memory import Budget
from evergreen.serving.gateway.secrets import Keys

REQUEST_ID = "x-request-id"
VALID_ID = re.compile(r"[!-~]{1,128}")
UUID_7 = 0x7 << 76 | 0b10 << 62
UUID_RANDOM = ~(0xF << 76 | 0b11 << 62) & (1 << 80) - 1


@dataclass(frozen=True)
class Doorman:
    """Checks that both APIs make before they read a request.

    Attributes:
        keys: The keys that clients may send.
        budget: The budget of bytes in flight.
        refused: Counts refused requests, by reason.
    """

    keys: Keys
    budget: Budget
    refused: Callable[[str], None]

    def admit(self, headers: Mapping[str, str]) -> bool:
        """Returns whether headers (with lower-case names) hold a key; counts those that do not."""
        admitted = self.keys.admit(headers)
        if not admitted:
            self.refused("key")
        return admitted


def request_id(sent: str | None) -> str:
    """Returns a client's request id if it can be a header, else a new UUID 7.

    A UUID 7 (RFC 9562) begins with the time in milliseconds, so sorted files compress well.
    """
    if sent and VALID_ID.fullmatch(sent):
        return sent
    bits = random.getrandbits(80) & UUID_RANDOM  # not secret; the system's source is far slower
    return str(uuid.UUID(int=time.time_ns() // 1_000_000 << 80 | UUID_7 | bits))
