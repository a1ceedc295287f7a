"""Triggers that turn monitoring results into events."""

from collections.abc import Iterator
from datetime import datetime

from ml_metadata.metadata_store import MetadataStore

from evergreen.monitoring.results import Kind, MonitoringResult, TrafficFinding, results
from evergreen.settings.triggers import FindingSettings
from evergreen.texts import moment
from evergreen.triggers.event import TriggerEvent


class MonitoringTrigger:
    """Fires for monitoring results with findings of certain kinds beyond their thresholds."""

    name: str
    kinds: frozenset[Kind]

    def __init__(self, settings: FindingSettings, store: MetadataStore, model: str) -> None:
        self._settings = settings
        self._store = store
        self._model = model
        self._seen = 0

    def poll(self, now: datetime) -> Iterator[TriggerEvent]:
        """Yields new results with findings; at first, all."""
        for number, result in results(self._store, self._model, after=self._seen):
            found = [finding for finding in result.fired if self._counts(finding)]
            if len(found) >= self._settings.at_least:
                yield self._event(number, result, found, now)
            self._seen = number  # only now, after the receiver has recorded the event

    def due(self, now: datetime) -> datetime | None:
        """Returns None: it does not depend on the clock."""
        return None

    def _counts(self, finding: TrafficFinding) -> bool:
        named = not self._settings.names or finding.name in self._settings.names
        return finding.kind in self.kinds and named and (self._settings.slices or not finding.slice)

    def _event(
        self, number: int, result: MonitoringResult, found: list[TrafficFinding], now: datetime
    ) -> TriggerEvent:
        names = ", ".join(dict.fromkeys(f"{finding.kind} of {finding.name}" for finding in found))
        window = f"{moment(result.window.start)} to {moment(result.window.end)}"
        return TriggerEvent.of(
            self.name,
            f"{self.name}:{self._model}:{number}",
            now,
            f"{names} beyond the threshold",
            evidence={
                "monitoring result": str(number),
                "window": window,
                "rows": str(result.rows),
                "labelled": str(result.labelled),
                **{_title(finding): _numbers(finding) for finding in found},
            },
            model_version=result.version,
        )


def _title(finding: TrafficFinding) -> str:
    return f"{finding.kind}: {finding.name}" + (f" where {finding.slice}" if finding.slice else "")


def _numbers(finding: TrafficFinding) -> str:
    between = (
        f" ({finding.interval[0]:.4g} to {finding.interval[1]:.4g})" if finding.interval else ""
    )
    told = f": {finding.detail}" if finding.detail else ""
    return f"{finding.value:.4g}{between}, threshold {finding.threshold:.4g}{told}"


class Performance(MonitoringTrigger):
    """Fires when the performance shown by late labels is beyond its threshold with confidence."""

    name = "performance"
    kinds = frozenset({Kind.PERFORMANCE, Kind.STALENESS})


class Distribution(MonitoringTrigger):
    """Fires when the distribution of features or predictions has changed with confidence."""

    name = "distribution"
    kinds = frozenset({Kind.DRIFT, Kind.SKEW, Kind.PREDICTIONS})
