"""The server's metrics by TensorFlow Serving's names, as Prometheus text."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from evergreen.serving.model_server.core.errors import ServingError

MICROSECONDS = 1e6
LATENCY = [10 * 1.8**power for power in range(33)]
"""Bucket bounds in microseconds, up to 20 minutes: `request_latency` in tensorflow_serving/util."""
QUEUING = [100 * 1.2**power for power in range(52)]
"""Bucket bounds in microseconds, up to 1 second: `queuing_latency` in TensorFlow Serving's
batching."""
SIZES = [float(2**power) for power in range(15)]


class Count(Collector):
    """A counter without the suffix `_total`, which `prometheus_client` adds to its own.

    Dashboards for TensorFlow Serving query `:tensorflow:serving:request_count`.
    """

    def __init__(self, name: str, text: str, labels: list[str], registry: CollectorRegistry):
        self._name, self._text, self._labels = name, text, labels
        self._values: dict[tuple[str, ...], int] = {}
        registry.register(self)

    def add(self, *labels: str, amount: int = 1) -> None:
        """Counts; call it only on the event loop's thread."""
        self._values[labels] = self._values.get(labels, 0) + amount

    def collect(self) -> Iterator[Metric]:
        """Yields the metric."""
        metric = Metric(self._name, self._text, "unknown")
        for labels, value in list(self._values.items()):
            metric.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), value)
        yield metric


class Metrics:
    """All metrics of one server; for the event loop's thread only."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Count(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ["model_name", "status"],
            self._registry,
        )
        self.examples = Count(
            ":tensorflow:serving:request_example_count_total",
            "The total number of tensorflow.Examples.",
            ["model"],
            self._registry,
        )
        self.load_attempts = Count(
            ":tensorflow:cc:saved_model:load_attempt_count",
            "The number of times a SavedModel was attempted to load.",
            ["model_path", "status"],
            self._registry,
        )
        self.request_latency = self._histogram(
            ":tensorflow:serving:request_latency",
            "Wall time of a request in microseconds.",
            ["model_name", "API", "entrypoint", "status"],
            LATENCY,
        )
        self.runtime_latency = self._histogram(
            ":tensorflow:serving:runtime_latency",
            "Wall time in TensorFlow in microseconds, the wait for a thread or a batch included.",
            ["model_name", "runtime"],
            LATENCY,
        )
        self.load_latency = self._histogram(
            ":tensorflow:cc:saved_model:load_latency",
            "Wall time to load and warm up a version in microseconds.",
            ["model_path"],
            LATENCY,
        )
        self.queuing_latency = self._histogram(
            ":tensorflow:serving:batching_session:queuing_latency",
            "Time a request waits for its batch in microseconds.",
            ["thread_pool_name"],
            QUEUING,
        )
        self.batch_size = self._histogram(
            ":tensorflow:serving:batching_session:processed_batch_size",
            "Rows of a batch, padding included.",
            ["model_name"],
            SIZES,
        )

    @contextmanager
    def request(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Measures a request and its outcome.

        Args:
            model: The model's name; empty for a model that is not served.
            api: "Predict", "Classify", "Regress", "MultiInference".
            entrypoint: "GRPC" or "REST".
        """
        start, status = time.perf_counter(), "UNKNOWN"
        try:
            yield
            status = "OK"
        except ServingError as error:
            status = error.code.name
            raise
        finally:
            self.requests.add(model, status)
            spent = (time.perf_counter() - start) * MICROSECONDS
            self.request_latency.labels(model, api, entrypoint, status).observe(spent)

    def text(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self._registry)

    async def handle(self, request: web.Request) -> web.Response:
        """Answers a scrape; the REST server mounts it at the path of the monitoring config."""
        return web.Response(body=self.text(), content_type="text/plain", charset="utf-8")

    def _histogram(self, name: str, text: str, labels: list[str], bounds: list[float]) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=bounds)
