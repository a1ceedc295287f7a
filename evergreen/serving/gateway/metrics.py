"""The gateway's metrics, as Prometheus text."""

from functools import lru_cache
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from evergreen.serving.gateway.routing import Route

Kind = TypeVar("Kind", Counter, Gauge, Histogram)
DROPPED = ("queue", "large", "unreadable", "disk")
"""Reasons why predictions are not in the log."""
LATENCY = [0.0005 * 2 ** (power / 2) for power in range(32)]
"""Bucket bounds in seconds, 0.5 ms to 23 s: two per doubling."""


class Families:
    """The metrics of one gateway; those of its models have the label `model`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._counter(
            "requests", "Answered requests.", "model", "arm", "version", "api", "code"
        )
        self.latency = Histogram(
            "evergreen_gateway_backend_seconds",
            "Time the backend took for an answer that is no error.",
            ["model", "arm", "version"],
            registry=self._registry,
            buckets=LATENCY,
        )
        self.share = self._gauge("canary_share", "Share of requests that go to the canary, 0 to 1.")
        self.stable = self._gauge("stable_version", "The version that is stable; 0 if none.")
        self.canary = self._gauge("canary_version", "The version that is canary; 0 if none.")
        self.backend_up = self._gauge("backend_up", "Whether the backend answers, 0 or 1.")
        self.refused = self._counter("refused", "Requests that were not forwarded.", "reason")
        self.decisions = self._counter("decisions", "Ends of canaries.", "model", "verdict")
        self.shadows_dropped = self._counter(
            "shadows_dropped", "Copies not sent: too many.", "model"
        )
        self.logged = self._counter("log_rows", "Predictions in finished files.", "model")
        self.dropped = self._counter("log_dropped", "Predictions not logged.", "model", "reason")
        self.log_alive = self._gauge("log_alive", "Whether the log's thread runs, 0 or 1.")
        self.failures = self._counter(
            "failures", "Errors of work in the background.", "model", "where"
        )
        self.in_flight = Gauge(
            "evergreen_gateway_in_flight_bytes",
            "Bytes of requests in flight.",
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"evergreen_gateway_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"evergreen_gateway_{name}", text, ["model"], registry=self._registry)


class OfModel(Generic[Kind]):
    """A family of metrics with further labels than the model's."""

    def __init__(self, family: Kind, model: str) -> None:
        self._family: Kind = family
        self._model = model

    def labels(self, *values: str) -> Kind:
        """Returns the metric of the model with these values of the further labels."""
        return self._family.labels(self._model, *values)


class Metrics:
    """The metrics of one model.

    Args:
        model: The model's name.
        families: The metrics of the gateway.
    """

    def __init__(self, model: str = "", families: Families | None = None) -> None:
        families = families or Families()
        self._requests = OfModel(families.requests, model)
        self._latency = OfModel(families.latency, model)
        self.share = families.share.labels(model)
        self.stable = families.stable.labels(model)
        self.canary = families.canary.labels(model)
        self.backend_up = families.backend_up.labels(model)
        self.decisions = OfModel(families.decisions, model)
        self.shadows_dropped = families.shadows_dropped.labels(model)
        self.logged = families.logged.labels(model)
        self.dropped = OfModel(families.dropped, model)
        for reason in DROPPED:  # so that 0 differs from unknown
            self.dropped.labels(reason)
        self.log_alive = families.log_alive.labels(model)
        self.failures = OfModel(families.failures, model)
        # Looking up a child by its labels costs more than counting does.
        self._children = lru_cache(self._find_children)

    def answered(self, route: Route, api: str, code: str, seconds: float) -> None:
        """Counts an answer, and its latency if it is no error."""
        requests, latency = self._children(route, api, code)
        requests.inc()
        if code == "OK":
            latency.observe(seconds)

    def lost(self) -> int:
        """Returns how many predictions were not logged."""
        return int(sum(self.dropped.labels(reason)._value.get() for reason in DROPPED))

    def _find_children(self, route: Route, api: str, code: str) -> tuple[Counter, Histogram]:
        version = "" if route.version is None else str(route.version)
        return (
            self._requests.labels(route.arm, version, api, code),
            self._latency.labels(route.arm, version),
        )
