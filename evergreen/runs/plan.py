"""Values of runs: the request, the record written before the start, and the plan of each part."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from evergreen.runs.metric_names import ByMetric

TRAIN = "train"
"""The name of the training part of a run."""


class Frozen(BaseModel):
    """Base of the values below: immutable, and refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cause(Frozen):
    """The cause of an automatic request.

    Attributes:
        events: Ids of the trigger events.
        keys: Their idempotency keys.
        evidence: The evidence, by name.
        window: How the spans were chosen, in words.
    """

    events: tuple[str, ...]
    keys: tuple[str, ...]
    evidence: Mapping[str, str]
    window: str


class Request(Frozen):
    """A request for a run.

    Attributes:
        spans: A selection such as `1-3`, of the latest versions. None for all spans.
        requested_by: The name of a user or trigger.
        reason: The reason, for people.
        train: Whether to train on the spans; otherwise they are only ingested.
        experiment: Whether to run everything but the push.
        cache: Whether equal executions may be reused.
        overrides: Changes to the settings' files, as `section.key=value`. Processes elsewhere need
            them to run a part with the same settings.
        cause: The trigger events behind the request; None if a person asked.
    """

    spans: str | None = None
    requested_by: str
    reason: str
    train: bool = True
    experiment: bool = False
    cache: bool = True
    overrides: tuple[str, ...] = ()
    cause: Cause | None = None


class SpanRef(Frozen):
    """A reference to a span in a run.

    Attributes:
        number: The span's number.
        version: The version of its content.
        sha256: The identity of its content.
        path: The folder of its files.
        ingest_key: Hash of all that the ingested artifacts depend on: series, content, schema,
            split, code.
    """

    number: int
    version: int
    sha256: str
    path: Path
    ingest_key: str

    @property
    def label(self) -> str:
        """A short name for people and ids."""
        return f"span-{self.number:05d}-v{self.version:02d}"


class ModelRef(Frozen):
    """A model version, and the id of its Model artifact."""

    version: int
    artifact_id: int


class Digests(Frozen):
    """SHA-256 digests of all that decides a result besides the data.

    Attributes:
        settings: Settings of the model and of Beam, the files they name, and the trainer's code.
        definition: The code that wires the pipeline.
        use_case: The code that Transform and Trainer run, with all its imports, and its data files.
        platform: All of Evergreen's code that nodes run.
        lock: The packages.
        table_schema: The curated schema.
        ingestion: The ingesting part of the platform; empty in records of version 0.1.0.
        use_case_data: The use case's data files; empty if there are none.
    """

    settings: str
    definition: str
    use_case: str
    platform: str
    lock: str
    table_schema: str
    ingestion: str = ""
    use_case_data: str = ""


class Provenance(Frozen):
    """The machine and the state of the code that planned a run. Unknown values are empty.

    Attributes:
        commit: The commit of the project's git repository.
        dirty: Whether files tracked by git differed from it.
        image: The digest of the container image, from the environment.
        host: The machine's name.
        package: The version of Evergreen.
    """

    commit: str = ""
    dirty: bool = False
    image: str = ""
    host: str = ""
    package: str = ""


class Results(Frozen):
    """The results of a run as numbers, kept in the record because they outlive the artifacts.

    Attributes:
        metrics: By name, for each split (`train`, `eval`, `test`), and for `baseline` on test. None
            for a number that could not be computed.
        gates: By gate (`DataGate span 3`, `ModelGate`, ...), whether it passed.
    """

    metrics: Mapping[str, ByMetric[float | None]] = {}
    gates: Mapping[str, bool] = {}


class Pins(Frozen):
    """The inputs of training, fixed by artifact id once the window is ingested.

    Attributes:
        examples: Examples artifacts, in the order of the window's spans.
        analyzer_cache: The TransformCache artifact to start from, if any.
    """

    examples: tuple[int, ...]
    analyzer_cache: int | None = None

    @property
    def ids(self) -> list[int]:
        """All artifact ids."""
        return [*self.examples, *([] if self.analyzer_cache is None else [self.analyzer_cache])]


class Outcome(StrEnum):
    """The outcome of a run."""

    PUSHED = "pushed"
    UNCHANGED = "unchanged"  # wholly cached: its model was pushed before
    EXPERIMENT = "experiment"
    INGESTED = "ingested"  # no training was requested
    DATA_REFUSED = "data refused"
    MODEL_REFUSED = "model refused"
    SERVING_REFUSED = "serving refused"  # the exported model failed a check
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class RunRecord(Frozen):
    """The record of a run in ML Metadata, written before anything starts.

    Attributes:
        run_id: The run's id; a resumed run keeps it.
        run_key: Hash of all that decides the outcome; runs with equal keys have equal pins.
        train_key: Hash of all that decides the model; runs with equal keys make the same version.
        transform_key: Hash of all that decides the transformed examples.
        pipeline: The pipeline's name.
        model: The model's name.
        window: The spans to train on.
        to_ingest: The spans of the window that are not ingested yet.
        baseline: The serving model to compare with, if there is one.
        model_version: The version to push; None for experiments, and without training.
        remote: Whether it is handed over: no process here works on it.
        job: The orchestrator's id for the run, if it has its own ids.
        provenance: The machine and the state of the code that planned it.
        settings: SHA-256 of the complete settings, for `RunRecords.settings`.
        pins: Set once the window is ingested.
        outcome: Set at the end.
        results: Set at the end.
        resumed: The times at which it was resumed.
        rerun_from: The node from which the newest attempt executes, whatever the cache holds.
        attempts: The number of attempts of each part, counting the first; 1 if absent.
    """

    run_id: str
    run_key: str
    train_key: str
    transform_key: str
    request: Request
    pipeline: str
    model: str
    orchestrator: str
    created: datetime
    digests: Digests
    window: tuple[SpanRef, ...]
    to_ingest: tuple[SpanRef, ...]
    baseline: ModelRef | None
    model_version: int | None
    remote: bool = False
    job: str = ""
    provenance: Provenance = Provenance()
    settings: str = ""
    pins: Pins | None = None
    outcome: Outcome | None = None
    finished: datetime | None = None
    results: Results | None = None
    resumed: tuple[datetime, ...] = ()
    rerun_from: str = ""
    attempts: Mapping[str, int] = {}

    @property
    def can_go_on(self) -> bool:
        """Whether it can be resumed: it has not ended, or it ended without a result."""
        return self.outcome in (None, Outcome.FAILED, Outcome.INTERRUPTED)

    @property
    def is_remote(self) -> bool:
        """Whether it is carried out elsewhere; records of version 0.1.0 say so by their job."""
        return self.remote or bool(self.job)

    @property
    def parts(self) -> list[str]:
        """The names of its parts in order: the spans to ingest, and the training."""
        return [*(span.label for span in self.to_ingest), TRAIN]

    def pipeline_run(self, part: str) -> str:
        """Returns the id of the pipeline run of a part's newest attempt."""
        attempt = self.attempts.get(part, 1)
        return f"{self.run_id}.{part}" + (f".{attempt}" if attempt > 1 else "")

    def with_pins(self, pins: Pins) -> "RunRecord":
        """Returns the record with the inputs of training fixed."""
        return self.model_copy(update={"pins": pins})

    def ended(self, outcome: Outcome, results: Results | None = None) -> "RunRecord":
        """Returns the record of the ended run."""
        end = {"outcome": outcome, "finished": datetime.now(UTC), "results": results}
        return self.model_copy(update=end)

    def taken_up(self) -> "RunRecord":
        """Returns the record of the resumed run."""
        open_again = {"outcome": None, "finished": None, "results": None}
        return self.model_copy(update={**open_again, "resumed": (*self.resumed, datetime.now(UTC))})

    def anew(self, parts: Sequence[str], node: str) -> "RunRecord":
        """Returns the record of the run with new attempts of parts, from a node on."""
        attempts = {part: self.attempts.get(part, 1) + 1 for part in parts}
        pins = self.pins if list(parts) == [TRAIN] else None
        changes = {"attempts": {**self.attempts, **attempts}, "rerun_from": node, "pins": pins}
        return self.model_copy(update=changes)


class IngestPlan(Frozen):
    """The ingesting half of the graph.

    Attributes:
        span: The span to ingest.
        previous_statistics: The statistics artifact of the previous span, as reference for drift.
        previous_in_window: Whether the previous span is in the window.
        window_statistics: The statistics of earlier spans in the window, as references for drift.
    """

    span: SpanRef
    previous_statistics: int | None = None
    previous_in_window: bool = False
    window_statistics: tuple[int, ...] = ()


class TrainPlan(Frozen):
    """The training half of the graph, with all its inputs pinned."""

    train_key: str
    pins: Pins
    baseline: ModelRef | None
    model_version: int | None


class Plan(Frozen):
    """One execution of the graph: one of its two halves.

    Attributes:
        pipeline_run: The id of the pipeline run, unique to this part of the run.
        title: A title for people.
        cache: Whether equal executions may be reused.
        rerun_from: This node and all after it are executed, whatever the cache holds.
        digests: The digests for the nodes' cache keys.
        ingest: The span to ingest.
        train: The inputs of the training.
    """

    pipeline_run: str
    title: str
    cache: bool
    rerun_from: str = ""
    digests: Digests
    ingest: IngestPlan | None = None
    train: TrainPlan | None = None

    @model_validator(mode="after")
    def _has_one_half(self) -> Self:
        if (self.ingest is None) == (self.train is None):
            raise ValueError("a plan is to ingest a span or to train on a window: one of them")
        return self


def ingest_plan(
    record: RunRecord,
    span: SpanRef,
    previous_statistics: int | None = None,
    window_statistics: tuple[int, ...] = (),
) -> Plan:
    """Returns the plan that ingests one span of a run.

    Args:
        record: The run.
        span: The span.
        previous_statistics: The statistics artifact of the span before.
        window_statistics: Those of all earlier spans of the window.
    """
    return Plan(
        pipeline_run=record.pipeline_run(span.label),
        title=f"ingest span {span.number} (version {span.version})",
        cache=record.request.cache,
        rerun_from=record.rerun_from if span.label in record.attempts else "",
        digests=record.digests,
        ingest=IngestPlan(
            span=span,
            previous_statistics=previous_statistics,
            previous_in_window=previous_statistics in window_statistics,
            window_statistics=tuple(id_ for id_ in window_statistics if id_ != previous_statistics),
        ),
    )


def train_plan(record: RunRecord) -> Plan:
    """Returns the plan that trains on a run's window, which must be pinned."""
    assert record.pins is not None, "pin the window first"
    spans = ", ".join(str(span.number) for span in record.window)
    return Plan(
        pipeline_run=record.pipeline_run(TRAIN),
        title=f"train on spans {spans}",
        cache=record.request.cache,
        rerun_from=record.rerun_from if TRAIN in record.attempts else "",
        digests=record.digests,
        train=TrainPlan(
            train_key=record.train_key,
            pins=record.pins,
            baseline=record.baseline,
            model_version=record.model_version,
        ),
    )
