"""Who may ask: API keys, and the ids of requests."""

import hmac
import random
import re
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from evergreen.errors import EvergreenError

REQUEST_ID = "x-request-id"
API_KEY = "x-api-key"
BEARER = re.compile(r"Bearer\s+(\S+)\s*", re.IGNORECASE)
VALID_ID = re.compile(r"[!-~]{1,128}")
UUID_7 = 0x7 << 76 | 0b10 << 62
UUID_RANDOM = ~(0xF << 76 | 0b11 << 62) & (1 << 80) - 1


class Keys:
    """The keys that clients may send; any of them may be there for a while, to change them.

    Args:
        file: One a line; None if everybody may ask.

    Raises:
        EvergreenError: If the file cannot be read, or holds none.
    """

    def __init__(self, file: Path | None) -> None:
        self._keys = _read(file) if file else None

    def admit(self, headers: Mapping[str, str]) -> bool:
        """Tells whether headers (of lower-case names) hold a key; in the same time for any text."""
        if self._keys is None:
            return True
        match = BEARER.fullmatch(headers.get("authorization", ""))
        text = match[1] if match else headers.get(API_KEY, "")
        sent = text.encode(errors="surrogateescape")
        matches = [hmac.compare_digest(sent, key) for key in self._keys]
        return any(matches)


def request_id(sent: str | None) -> str:
    """Returns a client's id of a request if it can be a header, else a new one: a UUID 7.

    A UUID 7 (RFC 9562) begins with the time in milliseconds: files sorted by it compress well.
    """
    if sent and VALID_ID.fullmatch(sent):
        return sent
    bits = random.getrandbits(80) & UUID_RANDOM  # no secret; the system's takes far longer
    return str(uuid.UUID(int=time.time_ns() // 1_000_000 << 80 | UUID_7 | bits))


def _read(file: Path) -> list[bytes]:
    try:
        keys = file.read_bytes().split()
    except OSError as error:
        raise EvergreenError(
            f"{file}: the API keys cannot be read: {error.strerror}",
            hint="Name a file with a key a line in gateway.api_keys.",
        ) from error
    if not keys:
        raise EvergreenError(f"{file}: there is no API key in it.", hint="Write one a line.")
    return keys
