"""Who answers a request."""

import hashlib
from enum import StrEnum
from typing import NamedTuple


class Arm(StrEnum):
    """Why a version got a request."""

    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"  # a copy, whose answer nobody waits for
    DIRECT = "direct"  # the client named a version, a label, or another model


class Route(NamedTuple):
    """Where a request goes; the version is None for the backend's own choice."""

    arm: Arm
    version: int | None


DIRECT = Route(Arm.DIRECT, None)


def position(key: str, experiment: str, canary: int) -> float:
    """Returns where a sticky key stands among all, evenly spread over [0, 1).

    It stays there while a canary's share grows: who once got the canary keeps it. The next canary
    has another order, and so has a canary of the same number in another experiment.
    """
    text = f"{experiment}\0{canary}\0{key}".encode(errors="surrogateescape")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
