"""What the comparisons are to reach."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.markdown import Spread
from benchmarks.serving.result import Comparison, Load


def qps(load: Load) -> float:
    """Answers a second."""
    return load.qps


def p50(load: Load) -> float:
    """Median latency, ms."""
    return load.p50


def p99(load: Load) -> float:
    """99th percentile of the latency, ms."""
    return load.p99


def rows(load: Load) -> float:
    """Rows a second."""
    return load.qps * load.rows


@dataclass(frozen=True)
class Target:
    """A limit, and how the figure that is held to it is found.

    Attributes:
        text: What is measured.
        of: The comparison.
        figure: Finds it.
        limit: What the median must reach.
        at_least: Whether the limit is the least; the most, otherwise.
        unit: Of the limit, if it is no ratio.
    """

    text: str
    of: str
    figure: Callable[[Comparison], Spread]
    limit: float
    at_least: bool
    unit: str = ""

    def is_reached(self, comparison: Comparison) -> bool:
        """Whether the median is as the limit wants it."""
        median = self.figure(comparison).median
        return median >= self.limit if self.at_least else median <= self.limit


def _beats(rival: str) -> tuple[Target, Target]:
    return (
        Target(
            f"answers a second by REST, over {rival}'s",
            "rivals",
            lambda one: one.ratio("ours, REST", rival, qps),
            1.0,
            at_least=True,
        ),
        Target(
            f"p99 by REST, over {rival}'s",
            "rivals",
            lambda one: one.ratio("ours, REST", rival, p99),
            1.0,
            at_least=False,
        ),
    )


TARGETS = (
    Target(
        "one client by gRPC: p50, over the same call in process",
        "one",
        lambda one: one.ratio("gRPC", "in process", p50),
        2.0,
        at_least=False,
    ),
    Target(
        "64 clients: answers a second with batching, over those without",
        "batching",
        lambda one: one.ratio("with batching", "without batching", qps),
        4.0,
        at_least=True,
    ),
    Target(
        "the same with a model that works longer for a row",
        "large",
        lambda one: one.ratio("with batching", "without batching", qps),
        4.0,
        at_least=True,
    ),
    Target(
        "64 rows a request: rows a second, over those in process",
        "rows",
        lambda one: one.ratio("gRPC", "in process", rows),
        0.7,
        at_least=True,
    ),
    Target(
        "what the gateway adds to the p50 of one client",
        "gateway",
        lambda one: one.difference("gateway, 1 client", "server, 1 client", p50),
        1.5,
        at_least=False,
        unit=" ms",
    ),
    Target(
        "64 clients through the gateway, with its log: answers a second, over the server's alone",
        "gateway",
        lambda one: one.ratio("gateway, 64 clients", "server, 64 clients", qps),
        0.5,
        at_least=True,
    ),
    *_beats("MLflow"),
    *_beats("LitServe"),
    Target(
        "requests that failed while new versions were loaded",
        "reload",
        lambda one: Spread.of([float(one.failed)]),
        0,
        at_least=False,
        unit=" requests",
    ),
)
