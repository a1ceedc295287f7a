"""What a run is: the request, the record written before it starts, and the plan of each part."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

TRAIN = "train"
"""The name of the part of a run that trains."""


class Frozen(BaseModel):
    """Base of the values below: immutable, and strict about what they hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cause(Frozen):
    """What an automatic request goes back to.

    Attributes:
        events: Ids of the trigger events that it answers.
        keys: Their idempotency keys.
        evidence: What spoke for it, by name.
        window: How the spans were chosen, in words.
    """

    events: tuple[str, ...]
    keys: tuple[str, ...]
    evidence: Mapping[str, str]
    window: str


class Request(Frozen):
    """What somebody asked for.

    Attributes:
        spans: A selection such as `1-3`; the latest version of each is meant. None: all there are.
        requested_by: A user's name, or the name of a trigger.
        reason: Why, in words.
        train: Whether to train on the spans; if not, they are only ingested.
        experiment: Run everything but never push.
        cache: Whether equal executions may be reused.
        overrides: What was asked to be other than in the settings' files, as `section.key=value`.
            Whoever runs a part of the run elsewhere needs it to have the same settings.
        cause: The events that a trigger answers with this request; None if a person asked.
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
    """A span as a run sees it.

    Attributes:
        number: The span's number.
        version: The version of its content.
        sha256: The identity of its content.
        path: The folder of its files.
        ingest_key: Hash of what the ingested artifacts depend on: content, schema, split, code.
    """

    number: int
    version: int
    sha256: str
    path: Path
    ingest_key: str

    @property
    def label(self) -> str:
        """A short name for people and for ids."""
        return f"span-{self.number:05d}-v{self.version:02d}"


class ModelRef(Frozen):
    """A model version, and the id of its Model artifact."""

    version: int
    artifact_id: int


class Digests(Frozen):
    """SHA-256 digests of what decides a result besides the data.

    Attributes:
        settings: Settings of the model and of Beam, files they name, and the code of the trainer.
        definition: Code that wires the pipeline.
        use_case: Code that Transform and Trainer run, with all it imports, and its data files.
        platform: All of Evergreen's code that nodes run.
        lock: The packages.
        table_schema: The curated schema.
        ingestion: The part of the platform that ingests; records of version 0.1.0 have none.
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
    """Where a run was planned, and from which state of the code. What is not known is empty.

    Attributes:
        commit: The commit of the project's git repository.
        dirty: Whether files that git knows differed from it.
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
    """What a run came to, in numbers: kept with the record, so that it outlives the artifacts.

    Attributes:
        metrics: By name, of each split (`train`, `eval`, `test`), and of `baseline` on test. None
            is a number that there is not.
        gates: By gate (`DataGate span 3`, `ModelGate`, ...): whether it passed.
    """

    metrics: Mapping[str, Mapping[str, float | None]] = {}
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
        """The ids of all of them."""
        return [*self.examples, *([] if self.analyzer_cache is None else [self.analyzer_cache])]


class Outcome(StrEnum):
    """How a run ended."""

    PUSHED = "pushed"
    UNCHANGED = "unchanged"  # wholly cached: what it would push is there already
    EXPERIMENT = "experiment"
    INGESTED = "ingested"  # no training was asked for
    DATA_REFUSED = "data refused"
    MODEL_REFUSED = "model refused"
    SERVING_REFUSED = "serving refused"  # the exported model does not serve as it should
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class RunRecord(Frozen):
    """The record of a run in ML Metadata, written before anything starts.

    Attributes:
        run_id: The run's id; a resumed run keeps it.
        run_key: Hash of all that decides the outcome; equal keys have equal pins.
        train_key: The part of it that decides the model; equal keys make the same version.
        transform_key: The part of it that decides the transformed examples.
        pipeline: The pipeline's name.
        model: The model's name.
        window: The spans to train on.
        to_ingest: Those of them that are not ingested yet.
        baseline: The model to compare with, if any is serving.
        model_version: The version to be pushed; None for an experiment, and without training.
        job: The id under which the orchestrator runs it, if it has ids of its own.
        provenance: Where it was planned, and from which state of the code.
        settings: SHA-256 of the complete settings, by which `RunRecords.settings` finds them.
        pins: Set once the window is ingested.
        outcome: Set at the end.
        results: Set at the end.
        resumed: When it was taken up again.
        rerun_from: The node from which on its newest attempt executes whatever is there.
        attempts: How often each part was begun anew on purpose, counting the first; 1 if absent.
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
        """Whether it has not ended, or ended before it came to a result."""
        return self.outcome in (None, Outcome.FAILED, Outcome.INTERRUPTED)

    @property
    def parts(self) -> list[str]:
        """The names of its parts, in their order: the spans to ingest, and the training."""
        return [*(span.label for span in self.to_ingest), TRAIN]

    def pipeline_run(self, part: str) -> str:
        """The id of the pipeline run of a part's newest attempt."""
        attempt = self.attempts.get(part, 1)
        return f"{self.run_id}.{part}" + (f".{attempt}" if attempt > 1 else "")

    def with_pins(self, pins: Pins) -> "RunRecord":
        """The record with the inputs of training fixed."""
        return self.model_copy(update={"pins": pins})

    def ended(self, outcome: Outcome, results: Results | None = None) -> "RunRecord":
        """The record of the ended run."""
        end = {"outcome": outcome, "finished": datetime.now(UTC), "results": results}
        return self.model_copy(update=end)

    def taken_up(self) -> "RunRecord":
        """The record of the run that goes on."""
        open_again = {"outcome": None, "finished": None, "results": None}
        return self.model_copy(update={**open_again, "resumed": (*self.resumed, datetime.now(UTC))})

    def anew(self, parts: Sequence[str], node: str) -> "RunRecord":
        """The record of the run whose parts are begun anew from a node on."""
        attempts = {part: self.attempts.get(part, 1) + 1 for part in parts}
        pins = self.pins if list(parts) == [TRAIN] else None
        changes = {"attempts": {**self.attempts, **attempts}, "rerun_from": node, "pins": pins}
        return self.model_copy(update=changes)


class IngestPlan(Frozen):
    """The ingest half of the graph.

    Attributes:
        span: The span to ingest.
        previous_statistics: The statistics artifact of the span before, to measure drift from.
        previous_in_window: Whether that span is one of the window.
        window_statistics: Those of the window's other earlier spans, to measure drift from.
    """

    span: SpanRef
    previous_statistics: int | None = None
    previous_in_window: bool = False
    window_statistics: tuple[int, ...] = ()


class TrainPlan(Frozen):
    """The train half of the graph: everything it takes is pinned."""

    train_key: str
    pins: Pins
    baseline: ModelRef | None
    model_version: int | None


class Plan(Frozen):
    """One execution of the graph: exactly one of its halves.

    Attributes:
        pipeline_run: The id of the pipeline run, unique to this part of the run.
        title: What it does, for people.
        cache: Whether equal executions may be reused.
        rerun_from: This node, and those after it, are executed whatever is there.
        digests: What goes into the nodes' cache keys.
        ingest: The span to ingest.
        train: What to train on.
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
    """The plan that ingests one span of a run.

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
    """The plan that trains on a run's window, which must be pinned."""
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
