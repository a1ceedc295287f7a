"""What the validator says of a model."""

from pydantic import BaseModel, ConfigDict

from evergreen.serving.trial.checks import Check
from evergreen.serving.trial.replay import Latency


class Report(BaseModel):
    """How a model serves.

    Attributes:
        blessed: Whether all checks passed.
        server: What the model server says of its version.
        baseline_version: The serving version; None if there is none.
        requests: How many were recorded.
        rows: How many rows they ask about.
        checks: All verdicts.
        latency: Time of requests by gRPC with one row, by signature.
        memory_mb: Peak resident memory of the model server, in MiB.
        load_seconds: How long it took to load the model and to warm it up, in seconds.
        signatures: Inputs and outputs of the model's signatures, as texts such as `float32[?]`.
    """

    model_config = ConfigDict(frozen=True)

    blessed: bool
    server: str
    baseline_version: int | None
    requests: int
    rows: int
    checks: tuple[Check, ...]
    latency: dict[str, Latency]
    memory_mb: float | None
    load_seconds: float | None
    signatures: dict[str, dict[str, dict[str, str]]]
