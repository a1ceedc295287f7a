"""The plan of a load test, for the process that makes the load."""

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
"""Seconds at the start of each round that do not count, for making connections."""


@dataclass(frozen=True)
class Load:
    """The arrival of requests.

    Attributes:
        clients: Closed loop: clients that send the next request when the last is answered.
        rate: Open loop: requests per second, independent of answers; 0 for the closed loop.
        ramp: Whether clients, or the rate, grow from zero over the time.
        seconds: The duration in whole seconds, without the warm-up.
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
        """Returns when a request of the open loop is due, in seconds from the start.

        With a ramp the rate grows linearly, so that t seconds see rate * t^2 / (2 * seconds).
        """
        if self.ramp:
            return float((2 * number * (self.seconds + WARM_UP) / self.rate) ** 0.5)
        return number / self.rate

    def rate_at(self, second: float) -> float:
        """Returns the rate at a time after the warm-up."""
        grown = (second + WARM_UP) / (self.seconds + WARM_UP)
        return self.rate * grown if self.ramp else self.rate

    def rounds(self, count: int) -> list["Load"]:
        """Splits the time into as many rounds, each of at least a second."""
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
    """A server, and the requests to send.

    Attributes:
        address: The server.
        path: The REST path for predictions.
        headers: The headers of each request.
        payloads: Serialized requests, sent in turn.
        ca: A PEM file of the trusted authorities for TLS.
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
        target: The target.
        load: The load.
        timeout: The seconds a request may take.
        result: The file for the samples.
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
        """Reads a file that `write` has written."""
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
