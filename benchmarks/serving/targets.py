"""Targets of the comparisons."""

from collections.abc import Callable

from benchmarks.markdown import Spread
from benchmarks.serving.result import Comparison, Load, Result
from benchmarks.targets import Target


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


def _target(
    text: str,
    comparison: str,
    limit: float,
    figure: Callable[[Comparison], Spread],
    at_least: bool = False,
    unit: str = "",
    digits: int = 2,
) -> Target[Result]:
    """A target of one comparison."""

    def find(result: Result) -> Spread | None:
        measured = result.comparisons.get(comparison)
        return figure(measured) if measured else None

    return Target(text, limit, find, at_least, unit, digits)


def _beats(rival: str) -> tuple[Target[Result], Target[Result]]:
    return (
        _target(
            f"answers a second by REST, over {rival}'s",
            "rivals",
            1.0,
            lambda measured: measured.ratio("ours, REST", rival, qps),
            at_least=True,
        ),
        _target(
            f"p99 by REST, over {rival}'s",
            "rivals",
            1.0,
            lambda measured: measured.ratio("ours, REST", rival, p99),
        ),
    )


TARGETS = (
    _target(
        "one client by gRPC: p50, over the same call in process",
        "one",
        2.0,
        lambda measured: measured.ratio("gRPC", "in process", p50),
    ),
    _target(
        "64 clients: answers a second with batching, over those without",
        "batching",
        4.0,
        lambda measured: measured.ratio("with batching", "without batching", qps),
        at_least=True,
    ),
    _target(
        "the same with a model that works longer for a row",
        "large",
        4.0,
        lambda measured: measured.ratio("with batching", "without batching", qps),
        at_least=True,
    ),
    _target(
        "64 rows a request: rows a second, over those in process",
        "rows",
        0.7,
        lambda measured: measured.ratio("gRPC", "in process", rows),
        at_least=True,
    ),
    _target(
        "what the gateway adds to the p50 of one client",
        "gateway",
        1.5,
        lambda measured: measured.difference("gateway, 1 client", "server, 1 client", p50),
        unit=" ms",
        digits=2,
    ),
    _target(
        "64 clients through the gateway, with its log: answers a second, over the server's alone",
        "gateway",
        0.5,
        lambda measured: measured.ratio("gateway, 64 clients", "server, 64 clients", qps),
        at_least=True,
    ),
    *_beats("MLflow"),
    *_beats("LitServe"),
    _target(
        "requests that failed while new versions were loaded",
        "reload",
        0,
        lambda measured: Spread.of([float(measured.failed)]),
        unit=" requests",
        digits=0,
    ),
)
