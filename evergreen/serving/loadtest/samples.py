"""Samples of a round, and figures computed from them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from evergreen.serving.loadtest.plan import WARM_UP

Numbers = NDArray[np.float64]
QUANTILES = {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99}
BUSY = 0.85
"""Cores. Python uses at most one; a load generator near that measures itself."""


@dataclass(frozen=True)
class Samples:
    """Requests that ended between the warm-up and the end.

    Attributes:
        ended: The end of each request, in seconds since the warm-up, [n].
        latency: Milliseconds since each was due, [n].
        ok: Whether each was answered without error, [n].
        errors: The number of occurrences of each error.
        clients: The start of each client, in seconds since the warm-up.
        seconds: The duration.
        cpu: Cores that the load generator used.
    """

    ended: Numbers
    latency: Numbers
    ok: NDArray[np.bool_]
    errors: Counter[str]
    clients: Numbers
    seconds: float
    cpu: float

    @classmethod
    def read(cls, file: Path, seconds: float) -> Self:
        """Reads the file that Locust's process has written."""
        content: dict[str, Any] = orjson.loads(file.read_bytes())
        ended = np.array(content["ended"], float) - WARM_UP
        counted = (ended >= 0) & (ended < seconds)
        failed = {int(at): text for at, text in content["errors"].items()}
        ok = np.ones(len(ended), bool)
        ok[list(failed)] = False
        return cls(
            ended[counted],
            np.array(content["seconds"], float)[counted] * 1000,
            ok[counted],
            Counter(text for at, text in failed.items() if counted[at]),
            np.array(content["clients"], float) - WARM_UP,
            seconds,
            content["cpu"],
        )

    def figures(self) -> dict[str, float]:
        """Returns requests, errors, throughput, and quantiles of the latency."""
        return {
            "requests": len(self.ended),
            "errors": int((~self.ok).sum()),
            "qps": float(self.ok.sum()) / self.seconds,
            **quantiles(self.latency[self.ok]),
            "generator_cores": self.cpu,
        }

    def windows(self, width: float) -> list[dict[str, float]]:
        """Returns clients, throughput and latency quantiles for windows of that many seconds."""
        starts = np.arange(0, self.seconds, width)
        return [self._window(start, min(start + width, self.seconds)) for start in starts]

    def _window(self, start: float, end: float) -> dict[str, float]:
        inside = (self.ended >= start) & (self.ended < end)
        return {
            "second": float(start),
            "clients": int((self.clients < end).sum()),
            "qps": float((inside & self.ok).sum() / (end - start)),
            "errors": int((inside & ~self.ok).sum()),
            **quantiles(self.latency[inside & self.ok]),
        }


def join(rounds: Sequence[Samples]) -> Samples:
    """Joins rounds on one target into one."""
    starts = np.cumsum([0.0, *(round_.seconds for round_ in rounds[:-1])])
    return Samples(
        np.concatenate([round_.ended + at for round_, at in zip(rounds, starts, strict=True)]),
        np.concatenate([round_.latency for round_ in rounds]),
        np.concatenate([round_.ok for round_ in rounds]),
        sum((round_.errors for round_ in rounds), Counter()),
        rounds[0].clients,
        sum(round_.seconds for round_ in rounds),
        max(round_.cpu for round_ in rounds),
    )


def quantiles(latency: Numbers) -> dict[str, float]:
    """Returns p50, p95 and p99; NaN without samples."""
    if not len(latency):
        return dict.fromkeys(QUANTILES, float("nan"))
    values = np.percentile(latency, list(QUANTILES.values()))
    return dict(zip(QUANTILES, map(float, values), strict=True))
