"""Routes of requests."""

import hashlib
from enum import StrEnum
from typing import NamedTuple


class Arm(StrEnum):
    """The reason why a version got a request."""

    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"  # a copy, whose answer is discarded
    DIRECT = "direct"  # the client named a version, a label, or another model


class Route(NamedTuple):
    """The route of a request; the version is None for the backend's own choice."""

    arm: Arm
    version: int | None


DIRECT = Route(Arm.DIRECT, None)


def position(key: str, experiment: str, canary: int) -> float:
    """Returns the position of a sticky key among all keys, evenly spread over [0, 1).

    It stays while a canary's share grows, so a client that got the canary keeps it. The next canary
    has another order, and so has a canary of the same number in another experiment.
    """
    text = f"{experiment}\0{canary}\0{key}".encode(errors="surrogateescape")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
