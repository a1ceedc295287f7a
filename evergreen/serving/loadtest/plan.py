"""What a load test does, as it is told to the process that makes the load."""

import base64
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import orjson

from evergreen.errors import EvergreenError
from evergreen.serving.client.address import Address

PREDICT = "/tensorflow.serving.PredictionService/Predict"
"""The path of the gRPC method."""
WARM_UP = 1
"""Seconds at the start of each round that are not counted: connections are made then."""


@dataclass(frozen=True)
class Load:
    """How requests come.

    Attributes:
        clients: Closed loop: each sends its next request when its last is answered.
        rate: Open loop: requests a second come whatever becomes of those before; 0 for closed.
        ramp: Whether clients, or the rate, grow from nothing over the time.
        seconds: How long, whole seconds; the warm-up comes on top.
    """

    clients: int
    rate: float
    ramp: bool
    seconds: int

    def __str__(self) -> str:
        what = f"{self.rate:g} requests/s" if self.rate else f"{self.clients} clients"
        loop = "open loop" if self.rate else "closed loop"
        return f"{loop}, {'up to ' if self.ramp else ''}{what}, {self.seconds} s"

    def due(self, number: int) -> float:
        """Returns when a request of the open loop comes, in seconds from the start.

        With a ramp the rate grows linearly, so that t seconds see rate * t^2 / (2 * seconds).
        """
        if self.ramp:
            return float((2 * number * (self.seconds + WARM_UP) / self.rate) ** 0.5)
        return number / self.rate

    def rate_at(self, second: float) -> float:
        """Returns how many requests a second come at a time after the warm-up."""
        grown = (second + WARM_UP) / (self.seconds + WARM_UP)
        return self.rate * grown if self.ramp else self.rate

    def rounds(self, count: int) -> list["Load"]:
        """Cuts the time into as many rounds, each of at least a second."""
        ends = [self.seconds * at // count for at in range(count + 1)]
        if count > self.seconds:
            raise EvergreenError(
                f"{self.seconds} s are too short for {count} rounds.",
                hint=f"Give --seconds {count} at least.",
            )
        cut = [end - start for start, end in pairwise(ends)]
        return [Load(self.clients, self.rate, self.ramp, seconds) for seconds in cut]


@dataclass(frozen=True)
class Target:
    """Who is asked what.

    Attributes:
        address: The server.
        path: Of its REST API, for prediction.
        headers: Sent with each request.
        payloads: Requests as they go over the wire, sent in turn.
        ca: PEM file of the authorities to trust for TLS.
    """

    address: Address
    path: str
    headers: dict[str, str]
    payloads: list[bytes]
    ca: Path | None = None


@dataclass(frozen=True)
class Round:
    """One process of load on one target.

    Attributes:
        target: Who is asked.
        load: How.
        timeout: Seconds that a request may take.
        result: File that the samples are written to.
    """

    target: Target
    load: Load
    timeout: float
    result: Path

    def write(self, file: Path) -> None:
        """Writes it to a file."""
        content = asdict(self)
        content["target"]["payloads"] = [
            base64.b64encode(payload).decode() for payload in self.target.payloads
        ]
        file.write_bytes(orjson.dumps(content, default=str))

    @classmethod
    def read(cls, file: Path) -> Self:
        """Reads what `write` has written."""
        content: dict[str, Any] = orjson.loads(file.read_bytes())
        target = content.pop("target")
        return cls(
            Target(
                Address(**target["address"]),
                target["path"],
                target["headers"],
                [base64.b64decode(payload) for payload in target["payloads"]],
                Path(target["ca"]) if target["ca"] else None,
            ),
            Load(**content["load"]),
            content["timeout"],
            Path(content["result"]),
        )
