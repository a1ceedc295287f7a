"""Gathers the facts for a decision."""

from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.artifacts import blessed_examples, refused
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage, stages
from evergreen.planning.identity import take_digests
from evergreen.planning.planner import Planner
from evergreen.runs.plan import Outcome, SpanRef
from evergreen.settings import Settings
from evergreen.spans import list_spans
from evergreen.triggers.decision import State, Why
from evergreen.triggers.event import SpanId
from evergreen.triggers.log import TriggerLog

TRAINED = (
    Outcome.PUSHED,
    Outcome.UNCHANGED,
    Outcome.MODEL_REFUSED,
    Outcome.SERVING_REFUSED,
)
"""Outcomes that a repetition of the same training would have again."""


def gather(settings: Settings, store: MetadataStore, log: TriggerLog) -> State:
    """Reads the spans, the run records, the registry and the log."""
    digests = take_digests(settings)
    planner = Planner(settings, store)
    keys = {
        _identity(ref): ref.ingest_key
        for ref in (
            planner.reference(span, digests) for span in list_spans(settings.data.span_root)
        )
    }
    done = [
        record
        for record in RunRecords(store).of_model(settings.model.name)
        if record.outcome in TRAINED
    ]
    registry = Registry(store, settings.model.name)
    events = registry.events()
    serving = registry.serving()
    canaries = [version for version, stage in stages(events).items() if stage is Stage.CANARY]
    return State(
        spans=tuple(keys),
        ingested=frozenset(span for span, key in keys.items() if blessed_examples(store, key)),
        refused=frozenset(span for span, key in keys.items() if refused(store, key)),
        trained=frozenset(_identity(ref) for record in done for ref in record.window),
        windows=frozenset(
            tuple(map(_identity, record.window)) for record in done if record.digests == digests
        ),
        running=log.running.decision.run_id if log.running else None,
        starts=tuple(
            start.at
            for start in log.starts
            if start.decision.why is Why.TRAIN and start.decision.run_id not in log.given_up
        ),
        model=settings.model.name,
        sequence=len(log.starts),
        serving=serving.version if serving else None,
        canary=max(canaries, default=None),
    )


def _identity(ref: SpanRef) -> SpanId:
    return SpanId(number=ref.number, version=ref.version, sha256=ref.sha256)
