"""The settings of the gateway."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from evergreen.settings.base import ProjectPath, Section

Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Address = Annotated[str, Field(pattern=r"^([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
GATEWAY = "gateway"
"""The gateway's name as the author of a promotion or rollback."""


class BackendSettings(Section):
    """The server behind the gateway: TensorFlow Serving, or the embedded one."""

    grpc: Address = Field("127.0.0.1:8500", description="Its gRPC API, host:port.")
    rest: Address = Field("127.0.0.1:8501", description="Its REST API, host:port.")
    proxy: bool = Field(
        False, description="Whether to reach it by http_proxy, subject to no_proxy."
    )
    timeout_seconds: float = Field(
        30, gt=0, description="The longest wait for an answer; a client's deadline may be shorter."
    )


class CanarySettings(Section):
    """The canary's share of the traffic."""

    steps: tuple[Percent, ...] = Field(
        (1, 5, 25, 50),
        min_length=1,
        description="Percent of the requests, step by step. [10] is a fixed share, [100] all at "
        "once, [0] none (with shadow traffic).",
    )
    hold_seconds: float = Field(600, ge=0, description="The least duration of each step.")
    promote: bool = Field(True, description="Whether a canary that held the last step is promoted.")
    sticky_header: str = Field(
        "",
        pattern=r"^[a-z0-9-]*$",
        description="A/B: requests with the same value of this header (gRPC: metadata) go to the "
        "same version. If empty, requests are independent.",
    )
    shadow_percent: Percent = Field(
        0, description="Percent of the stable version's requests to copy to the canary."
    )
    shadow_limit: int = Field(
        16, gt=0, description="The most copies in flight; further ones are not sent."
    )

    @field_validator("steps")
    @classmethod
    def _grow(cls, steps: tuple[float, ...]) -> tuple[float, ...]:
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ValueError("each step must be larger than the one before")
        return steps


class LimitSettings(Section):
    """Limits for a canary compared with the stable version; null: no limit."""

    error_increase: Share | None = Field(
        0.01, description="Share of failed answers, canary minus stable."
    )
    latency_ratio: Annotated[float, Field(ge=1)] | None = Field(
        1.5, description="The 95th percentile of the latency, canary over stable."
    )
    output_divergence: Share | None = Field(
        0.1,
        description="Jensen-Shannon divergence of the outputs, in bits; 0.1 is the divergence of a "
        "normal distribution shifted by 0.8 standard deviations.",
    )
    false_alarms: float = Field(
        0.01, gt=0, lt=1, description="Chance that a canary that is within all limits is rejected."
    )
    min_sample: int = Field(
        100, ge=30, description="Answers of each version before anything is decided, in each step."
    )
    window: int = Field(
        2000, ge=100, description="The number of newest answers of a version that count."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window < self.min_sample:
            raise ValueError("window must not be smaller than min_sample")
        return self


class PredictionLogSettings(Section):
    """The log of predictions."""

    folder: ProjectPath | None = Field(None, description="Root of the files; null: no log.")
    sample: Share = Field(1.0, description="Share of the requests that are logged.")
    rotate_rows: int = Field(
        50_000, gt=0, description="The approximate greatest number of rows in a file."
    )
    rotate_seconds: float = Field(
        60, gt=0, description="The longest time until a file is finished."
    )
    queue_mb: float = Field(
        64, gt=0, description="The most that waits to be written; more is dropped."
    )
    max_entry_mb: float = Field(
        8, gt=0, description="The largest request with its answer; larger ones are not logged."
    )


class TlsSettings(Section):
    """The gateway's certificate; without it nothing is encrypted."""

    certificate: ProjectPath | None = Field(None, description="PEM file, with the chain.")
    key: ProjectPath | None = Field(None, description="PEM file.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self

    @property
    def files(self) -> tuple[Path, Path] | None:
        """Certificate and key, if they are set."""
        return (self.certificate, self.key) if self.certificate and self.key else None


class GatewaySettings(Section):
    """The gateway between clients and servers."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: Port = Field(8510, description="gRPC.")
    rest_api_port: Port = Field(8511, description="REST, /healthz and /metrics.")
    max_body_mb: int = Field(64, gt=0, le=2047, description="The largest request.")
    max_in_flight_mb: int = Field(
        256, gt=0, description="The most requests in flight, of both APIs; more are refused."
    )
    connections: int = Field(1000, gt=0, description="The most open connections of each API.")
    cors: bool = Field(False, description="Whether pages of other sites may use REST.")
    poll_seconds: float = Field(2, gt=0, description="How often registry and backend are polled.")
    api_keys: ProjectPath | None = Field(
        None, description="A file with one key per line; clients must send one of them. Null: none."
    )
    tls: TlsSettings = TlsSettings()
    backend: BackendSettings = BackendSettings()
    canary: CanarySettings = CanarySettings()
    limits: LimitSettings = LimitSettings()
    log: PredictionLogSettings = PredictionLogSettings()

    @model_validator(mode="after")
    def _holds_one(self) -> Self:
        if self.max_in_flight_mb < self.max_body_mb:
            raise ValueError("max_in_flight_mb must not be smaller than max_body_mb")
        return self
