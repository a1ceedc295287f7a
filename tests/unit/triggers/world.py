"""A world that a controller runs in: its clock, its spans, and runs that take no time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.lineage.artifacts import blessed_examples
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage
from evergreen.monitoring.results import Kind, MonitoringResult, TrafficFinding, Window, publish
from evergreen.running.conclusion import end
from evergreen.running.orchestrator import Progress
from evergreen.runs.plan import ModelRef, Outcome, RunRecord
from evergreen.triggers import configured
from evergreen.triggers.controller import Controller, Monitor, Step
from evergreen.triggers.decision import Decision, Ruling
from evergreen.triggers.event import TriggerEvent, fired_event
from evergreen.triggers.log import Decided, Ended, TriggerLog
from tests.unit.lineage.making import put_span
from tests.unit.planning.conftest import Bench

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class QuickRuns:
    """Carries out runs at once: ingests by putting what ingestion leaves, then ends the run.

    Attributes:
        bad: Numbers of spans that the data gate refuses.
        outcome: Of trainings.
        before: Called instead of a try, as long as it returns a progress.
        launched: The tries, in order.
    """

    bench: Bench
    bad: set[int] = field(default_factory=set)
    outcome: Outcome = Outcome.MODEL_REFUSED
    before: Callable[[RunRecord, int], Progress | None] = lambda record, attempt: None
    launched: list[tuple[str, int]] = field(default_factory=list)
    stopped: list[tuple[str, int]] = field(default_factory=list)
    _progress: dict[tuple[str, int], Progress] = field(default_factory=dict)

    def progress(self, record: RunRecord, attempt: int) -> Progress:
        return self._progress.get((record.run_id, attempt), Progress.ABSENT)

    def launch(self, record: RunRecord, attempt: int) -> None:
        self.launched.append((record.run_id, attempt))
        other = self.before(record, attempt)
        if other is None:
            end(self.bench.settings(), self.bench.store, record.run_id, self._carry_out(record))
        self._progress[record.run_id, attempt] = other or Progress.STOPPED

    def stop(self, record: RunRecord, attempt: int) -> None:
        self.stopped.append((record.run_id, attempt))
        self._progress[record.run_id, attempt] = Progress.STOPPED

    def finish(self, record: RunRecord) -> None:
        """Has a run that goes on come to its end."""
        end(self.bench.settings(), self.bench.store, record.run_id, self._carry_out(record))
        for run_id, attempt in self._progress:
            if run_id == record.run_id:
                self._progress[run_id, attempt] = Progress.STOPPED

    def close(self) -> None:
        self._progress = dict.fromkeys(self._progress, Progress.ABSENT)

    @property
    def is_busy(self) -> bool:
        return Progress.GOES_ON in self._progress.values()

    def _carry_out(self, record: RunRecord) -> Outcome:
        for span in record.to_ingest:
            blessed = span.number not in self.bad
            folder = self.bench.folder / "artifacts"
            put_span(self.bench.store, folder, span.number, span.ingest_key, blessed=blessed)
            if not blessed:
                return Outcome.DATA_REFUSED
        assert all(blessed_examples(self.bench.store, span.ingest_key) for span in record.window)
        return self.outcome if record.request.train else Outcome.INGESTED


@dataclass
class Looks:
    """Monitors that look at once.

    Attributes:
        problem: Why they cannot.
        at: When they looked.
    """

    problem: str = ""
    at: list[datetime] = field(default_factory=list)

    def look(self, now: datetime) -> None:
        self.at.append(now)

    def check(self) -> None:
        if self.problem:
            raise EvergreenError(self.problem)

    def close(self) -> None:
        """Nothing goes on."""


class World:
    """One pipeline, its controller, and a clock that the test moves."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.store: MetadataStore = bench.store
        self.now = START
        self.seconds = 0.0
        self.runs = QuickRuns(bench)
        self.overrides: tuple[str, ...] = (
            "triggers.cooldown_seconds=0",
            "triggers.retry_seconds=0",
        )
        self.monitor: Monitor | None = None
        self.begin()

    def begin(self, *overrides: str) -> None:
        """Begins a controller anew, with settings overrides, as after a restart."""
        self.overrides += overrides
        settings = self.settings = self.bench.settings(*self.overrides)
        self.log = TriggerLog(self.store, settings.pipeline.name)
        self.controller = Controller(
            settings,
            self.store,
            configured.triggers(settings, self.store, self.log),
            self.runs,
            log=self.log,
            monitor=self.monitor,
            monotonic=lambda: self.seconds,
        )

    def step(self, later: timedelta = HOUR) -> Step:
        """Lets time pass, then lets the controller act."""
        self.now += later
        self.seconds += max(later.total_seconds(), 0)
        return self.controller.step(self.now)

    def fire(self, key: str = "", *, train: bool = True, force: bool = False) -> TriggerEvent:
        """A person asks for a run, past the controller."""
        log = TriggerLog(self.store, self.settings.pipeline.name)
        log.refresh()
        key = key or str(len(log.entries))
        return log.notice(fired_event(key, self.now, "ann", "wants it", train=train, force=force))

    def decisions(self, step: Step) -> list[Decision]:
        return [entry.decision for entry in step.entries if isinstance(entry, Decided)]

    def starts(self, step: Step) -> list[list[int]]:
        """The windows of what a step has started."""
        return [
            [span.number for span in decision.spans]
            for decision in self.decisions(step)
            if decision.verdict is Ruling.START
        ]

    def outcomes(self) -> list[Outcome]:
        return [entry.outcome for entry in self.log.of(Ended)]

    @property
    def records(self) -> list[RunRecord]:
        return self.bench.records.of_model("taxi")

    def serve(self, version: int, stage: Stage = Stage.CANDIDATE) -> None:
        """Registers a version; the first one serves."""
        model = ModelRef(version=version, artifact_id=version)
        registry = Registry(self.store, "taxi")
        registry.register(model, who="", why="", evidence={}, stage=stage)

    def monitored(self, *findings: TrafficFinding, version: int = 1) -> int:
        """A monitoring result about a version."""
        window = Window(start=self.now - HOUR, end=self.now)
        result = MonitoringResult(
            model="taxi",
            version=version,
            window=window,
            created=self.now,
            rows=1000,
            labelled=900,
            findings=findings,
        )
        return publish(self.store, result, self.bench.folder)


def finding(kind: Kind, name: str, *, fired: bool = True, slice: str = "") -> TrafficFinding:  # noqa: A002
    return TrafficFinding(
        kind=kind,
        name=name,
        value=0.7,
        threshold=0.8,
        fired=fired,
        interval=(0.6, 0.75),
        slice=slice,
        rows=900,
    )
