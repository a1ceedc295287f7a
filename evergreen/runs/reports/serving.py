"""The report of serving validation on an exported model."""

from collections.abc import Mapping
from typing import ClassVar

from evergreen.runs.nodes import SERVING_VALIDATOR
from evergreen.runs.reports.report import Part, Report


class Check(Part):
    """The verdict on one criterion.

    Attributes:
        criterion: What was asked, in words.
        passed: Whether it holds.
        value: What was measured or counted; None if there is no finite number.
        limit: What the value must not exceed or, where things are counted, be.
        detail: What is wrong, or worth knowing.
    """

    criterion: str
    passed: bool
    value: float | None = None
    limit: float | None = None
    detail: str = ""


class Latency(Part):
    """Percentiles of the time from a request to its answer, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class ServingReport(Report):
    """How a model serves.

    Attributes:
        server: What the model server says of its version.
        baseline_version: The serving version; None if there is none.
        requests: How many were recorded.
        rows: How many rows they ask about.
        checks: All verdicts; the model is blessed if all passed.
        latency: Time of requests by gRPC with one row, by signature.
        memory_mb: Peak resident memory of the model server, in MiB.
        load_seconds: How long it took to load the model and to warm it up, in seconds.
        signatures: Inputs and outputs of the model's signatures, as texts such as `float32[?]`.
    """

    node: ClassVar[str] = SERVING_VALIDATOR

    server: str
    baseline_version: int | None
    requests: int
    rows: int
    checks: tuple[Check, ...]
    latency: Mapping[str, Latency]
    memory_mb: float | None
    load_seconds: float | None
    signatures: Mapping[str, Mapping[str, Mapping[str, str]]]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that the model is refused for."""
        return tuple(check for check in self.checks if not check.passed)
