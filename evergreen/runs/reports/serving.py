"""The report of serving validation on an exported model."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import computed_field, model_validator

from evergreen.runs import sentences
from evergreen.runs.nodes import SERVING_VALIDATOR
from evergreen.runs.reports.report import Part, Report

Kind = Literal[
    "read",
    "task",
    "clients",
    "requests",
    "loads here",
    "load seconds",
    "answered",
    "well-formed",
    "finite",
    "as here",
    "batches",
    "as signature",
    "latency",
    "memory",
]


class Criterion(Part):
    """What an exported model is checked for.

    Attributes:
        kind: The kind of the check.
        signature: The signature that is asked, if it is about one.
        way: How it is asked: `gRPC`, `REST by columns`, `REST by rows`.
        other: The signature that answers are compared with.
        version: The version whose clients are to go on.
    """

    kind: Kind
    signature: str = ""
    way: str = ""
    other: str = ""
    version: int | None = None


class Check(Part):
    """The verdict on one criterion.

    Attributes:
        of: The criterion; None in a report of version 0.1.0, which says it in words only.
        passed: Whether it holds.
        value: The measured or counted value; None if there is no finite number.
        limit: The greatest value that passes.
        faults: The first of the faults, in words.
        said: The criterion and its detail, as version 0.1.0 wrote them.
    """

    of: Criterion | None
    passed: bool
    value: float | None = None
    limit: float | None = None
    faults: tuple[str, ...] = ()
    said: tuple[str, str] = ("", "")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def criterion(self) -> str:
        """The criterion in words; written so that version 0.1.0 can read the report."""
        return sentences.of_criterion(self.of) if self.of else self.said[0]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def detail(self) -> str:
        """The faults, or other information, in words; written for version 0.1.0 as well."""
        return sentences.detail(self) if self.of else self.said[1]

    @model_validator(mode="before")
    @classmethod
    def _read_0_1_0(cls, values: Any) -> Any:
        """Takes over the words of a report by version 0.1.0, which has nothing else."""
        if isinstance(values, dict) and "criterion" in values and "of" not in values:
            return values | {"of": None, "said": (values["criterion"], values.get("detail", ""))}
        return values


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
