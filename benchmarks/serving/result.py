"""Measurements of the comparisons in the form in which they are stored."""

from collections.abc import Callable

import numpy as np

from benchmarks.markdown import Spread
from benchmarks.result import Measurement, Stored


class Load(Stored):
    """One variant under load, once.

    Attributes:
        requests: Answered ones.
        failed: Those that got an error.
        seconds: How long.
        rows: In a request.
        p50: Median latency of the answers, in milliseconds; 0 without answers.
        p95: 95th percentile.
        p99: 99th percentile.
        slowest: The longest.
    """

    requests: int
    failed: int
    seconds: float
    rows: int
    p50: float
    p95: float
    p99: float
    slowest: float

    @classmethod
    def of(cls, latencies: list[float], failed: int, seconds: float, rows: int) -> "Load":
        """From the seconds that each answer took."""
        marks = np.percentile(latencies, [50, 95, 99, 100]) if latencies else np.zeros(4)
        p50, p95, p99, slowest = map(float, marks * 1000)
        return cls(
            requests=len(latencies), failed=failed, seconds=seconds, rows=rows,
            p50=p50, p95=p95, p99=p99, slowest=slowest,
        )  # fmt: skip

    @property
    def qps(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


Figure = Callable[[Load], float]


class Comparison(Stored):
    """Variants of one thing.

    Attributes:
        title: What is compared, under which load.
        rounds: By variant, each round.
    """

    title: str
    rounds: tuple[dict[str, Load], ...]

    def spread(self, variant: str, figure: Figure) -> Spread:
        """A figure of a variant over all rounds."""
        return Spread.of(figure(measured[variant]) for measured in self.rounds)

    def ratio(self, above: str, below: str, figure: Figure) -> Spread:
        """A figure of a variant divided by that of another, round by round."""
        return Spread.of(
            figure(measured[above]) / figure(measured[below]) for measured in self.rounds
        )

    def difference(self, more: str, less: str, figure: Figure) -> Spread:
        """A figure of a variant minus that of another, round by round."""
        return Spread.of(
            figure(measured[more]) - figure(measured[less]) for measured in self.rounds
        )

    @property
    def failed(self) -> int:
        """Requests that got an error, in all rounds and variants."""
        return sum(load.failed for measured in self.rounds for load in measured.values())


class Result(Measurement):
    """All comparisons, by name.

    Attributes:
        comparisons: By name.
        rivals: Packages of each rival, by name of the rival.
    """

    comparisons: dict[str, Comparison]
    rivals: dict[str, dict[str, str]]
