"""One look at the traffic of a window: everything that is measured, against its limit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
from google.protobuf import text_format
from ml_metadata.metadata_store import MetadataStore
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.monitoring import log, performance
from evergreen.monitoring.findings import Finding, Kind, MonitoringResult, Window
from evergreen.monitoring.labels import Labels
from evergreen.monitoring.live import Live, look
from evergreen.monitoring.results import publish
from evergreen.monitoring.statistics import Distance, Feature, distance, missing, of_batch
from evergreen.planning.plan import RunRecord
from evergreen.reporting.reading import RunReading
from evergreen.settings import Settings
from evergreen.settings.monitoring import DistanceSettings
from evergreen.spans import read_span

DAY = timedelta(days=1)
TYPES = {
    schema_pb2.FLOAT: pa.float64(),
    schema_pb2.INT: pa.int64(),
    schema_pb2.BYTES: pa.string(),
}
SCORE = "score"


def monitor(
    settings: Settings,
    store: MetadataStore,
    window: Window,
    now: datetime,
    version: int | None = None,
    before: Window | None = None,
    kinds: Set[Kind] = frozenset(Kind),
) -> MonitoringResult | None:
    """Looks at a window, and publishes what was found.

    Args:
        settings: The project's settings.
        store: The metadata store.
        window: The time.
        now: By the clock that staleness goes by.
        version: Of the model; the one that answered most if not given.
        before: What drift is measured from; as long a time right before if not given.
        kinds: What to look at.

    Returns:
        What was found; None if nobody answered anything.

    Raises:
        EvergreenError: If the log or the labels cannot be read.
    """
    folder, name = _log_folder(settings), settings.model.name
    counts = log.versions(folder, name, window)
    if not counts:
        return None
    version = version or max(counts, key=lambda one: counts[one])
    looking = _Looking(settings, store, version)
    live = looking.look(window)
    length = window.end - window.start
    earlier = looking.look(before or Window(start=window.start - length, end=window.start))
    result = MonitoringResult(
        model=name,
        version=version,
        window=window,
        created=now,
        rows=live.rows,
        labelled=int(live.labelled.sum()),
        findings=tuple(
            finding for finding in looking.findings(live, earlier, now) if finding.kind in kinds
        ),
    )
    publish(store, result, settings.monitoring.results)
    return result


def _log_folder(settings: Settings) -> Path:
    folder = settings.gateway.log.folder
    return folder if folder is not None else Path("/nonexistent")


class _Looking:
    """Looks at one version."""

    def __init__(self, settings: Settings, store: MetadataStore, version: int) -> None:
        self._settings = settings
        self._store = store
        self._version = version
        text = settings.data.table_schema.read_text()
        schema = text_format.Parse(text, schema_pb2.Schema())
        self._types = {one.name: TYPES[one.type] for one in schema.feature if one.type in TYPES}
        self._labels = Labels(settings.monitoring.labels)
        self._record = _record(settings, store, version)

    def look(self, window: Window) -> Live:
        monitoring = self._settings.monitoring
        return look(
            _log_folder(self._settings),
            self._settings.model.name,
            window,
            self._version,
            self._types,
            self._labels,
            monitoring.output,
            monitoring.performance.slices,
        )

    def findings(self, live: Live, before: Live, now: datetime) -> Iterator[Finding]:
        monitoring = self._settings.monitoring
        least = monitoring.min_rows
        yield self._traffic(live)
        yield from _mistyped(live)
        if live.rows >= least:
            trained = self._trained()
            yield from self._distances(Kind.SKEW, trained, live, monitoring.skew)
        if min(live.rows, before.rows) >= least:
            yield from self._distances(Kind.DRIFT, before.features, live, monitoring.drift)
            yield from self._predictions(before, live)
        if (known := live.labelled).sum() >= least:
            scored = performance.Scored(
                live.labels[known],
                live.scores[known],
                {name: where[known] for name, where in live.slices.items()},
            )
            yield from performance.judge(scored, self._evaluated(), monitoring)
        yield from self._staleness(now)

    def _traffic(self, live: Live) -> Finding:
        return Finding(
            kind=Kind.TRAFFIC,
            name="labelled rows",
            value=float(live.labelled.mean()) if live.rows else 0.0,
            threshold=None,
            fired=False,
            rows=live.rows,
            detail=f"{live.labelled.sum()} of {live.rows} rows have labels",
        )

    def _trained(self) -> Mapping[str, Sequence[Feature]]:
        """Statistics of the train split of each span that the version was trained on."""
        found: dict[str, list[Feature]] = {}
        for span in RunReading(self._store, self._record).spans if self._record else ():
            statistics = span.statistics()
            for feature in statistics.features if statistics else ():
                found.setdefault(".".join(feature.path.step), []).append(feature)
        return found

    def _distances(
        self,
        kind: Kind,
        before: Mapping[str, Sequence[Feature]],
        live: Live,
        limits: DistanceSettings,
    ) -> Iterator[Finding]:
        names = sorted(before.keys() & live.features.keys())
        level = (1 - self._settings.monitoring.confidence) / max(2 * len(names), 1)
        for name in names:
            old, new = before[name], live.features[name]
            gone = missing(old, new, level)
            yield _apart(kind, f"{name} is missing", gone, limits.missing, live.rows)
            if found := distance(old, new, level):
                usual = limits.numbers if old[0].HasField("num_stats") else limits.categories
                yield _apart(kind, name, found, limits.features.get(name, usual), live.rows)

    def _predictions(self, before: Live, live: Live) -> Iterator[Finding]:
        old, new = (of_batch(pa.table({SCORE: one.scores}))[SCORE] for one in (before, live))
        level = 1 - self._settings.monitoring.confidence
        if found := distance([old], [new], level):
            limit = self._settings.monitoring.predictions
            yield _apart(Kind.PREDICTIONS, SCORE, found, limit, live.rows)

    def _evaluated(self) -> Mapping[str, float | None]:
        results = self._record.results if self._record else None
        return results.metrics.get("test", {}) if results else {}

    def _staleness(self, now: datetime) -> Iterator[Finding]:
        limit = self._settings.monitoring.staleness_days
        newest = _newest_data(self._record)
        if limit is None or newest is None:
            return
        days = (now - newest) / DAY
        yield Finding(
            kind=Kind.STALENESS,
            name="age of the data in days",
            value=days,
            threshold=limit,
            fired=days > limit,
            detail=f"the newest data is of {newest:%Y-%m-%d}",
        )


def _record(settings: Settings, store: MetadataStore, version: int) -> RunRecord | None:
    """The run that made a version."""
    for event in Registry(store, settings.model.name).events():
        if event.model.version == version and (run := event.evidence.get("run")):
            return RunRecords(store).get(run)
    return None


def _newest_data(record: RunRecord | None) -> datetime | None:
    spans = (read_span(ref.path) for ref in record.window) if record else ()
    ranges = (span.manifest.time_range for span in spans if span)
    return max((one.end for one in ranges if one), default=None)


def _mistyped(live: Live) -> Iterable[Finding]:
    for name in sorted(live.mistyped):
        yield Finding(
            kind=Kind.SCHEMA,
            name=name,
            value=1.0,
            threshold=0.0,
            fired=True,
            rows=live.rows,
            detail="requests have values of another type than the schema's",
        )


def _apart(kind: Kind, name: str, found: Distance, limit: float, rows: int) -> Finding:
    return Finding(
        kind=kind,
        name=name,
        value=found.value,
        threshold=limit,
        fired=found.least > limit,
        interval=(found.least, found.value),
        rows=rows,
        detail=found.detail,
    )
