"""What both doors ask before they read a request, and the ids of requests."""

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
    """What both doors ask before they read a request.

    Attributes:
        keys: Say who may ask.
        budget: Of the bytes in flight.
        refused: Counts what was not let in, by reason.
    """

    keys: Keys
    budget: Budget
    refused: Callable[[str], None]

    def admit(self, headers: Mapping[str, str]) -> bool:
        """Tells whether headers (of lower-case names) hold a key; counts those that do not."""
        admitted = self.keys.admit(headers)
        if not admitted:
            self.refused("key")
        return admitted


def request_id(sent: str | None) -> str:
    """Returns a client's id of a request if it can be a header, else a new one: a UUID 7.

    A UUID 7 (RFC 9562) begins with the time in milliseconds: files sorted by it compress well.
    """
    if sent and VALID_ID.fullmatch(sent):
        return sent
    bits = random.getrandbits(80) & UUID_RANDOM  # no secret; the system's takes far longer
    return str(uuid.UUID(int=time.time_ns() // 1_000_000 << 80 | UUID_7 | bits))
