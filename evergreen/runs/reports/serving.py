"""The report of serving validation on an exported model."""

from collections.abc import Mapping
from typing import ClassVar

from evergreen.runs.nodes import SERVING_VALIDATOR
from evergreen.runs.reports.report import Part, Report


class Check(Part):
    """The verdict on one criterion.

    Attributes:
        criterion: The criterion, in words.
        passed: Whether it holds.
        value: The measured or counted value; None if there is no finite number.
        limit: The greatest value that passes.
        detail: The fault, or other information.
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
    """The validation of a served model.

    Attributes:
        server: The version text of the model server.
        baseline_version: The serving version; None if there is none.
        requests: The number of recorded requests.
        rows: The number of rows in them.
        checks: All verdicts; the model is blessed if all passed.
        latency: The latency of gRPC requests with one row, by signature.
        memory_mb: Peak resident memory of the model server, in MiB.
        load_seconds: The time to load the model and to warm it up, in seconds.
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
        """The checks that refuse the model."""
        return tuple(check for check in self.checks if not check.passed)
