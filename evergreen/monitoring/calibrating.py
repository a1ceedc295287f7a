"""Thresholds from history: how far spans that nobody complained about were from those before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import DataError
from evergreen.lineage.artifacts import blessed_statistics
from evergreen.monitoring.statistics import Feature, distance
from evergreen.planning.plan import TRAIN
from evergreen.planning.planner import Planner, take_digests
from evergreen.reporting.reading import load_statistics
from evergreen.settings import Settings
from evergreen.spans import list_spans

MARGIN = 1.25
LEAST = 0.02
"""No threshold is below that: smaller shifts matter to nobody."""
BEFORE = 4
ENOUGH = 3


@dataclass(frozen=True)
class Calibrated:
    """A feature's distances in history, noise taken off.

    Attributes:
        feature: The feature.
        drift: Of each span from the one before, in order.
        skew: Of each span from the up to four before it together, in order.
    """

    feature: str
    drift: tuple[float, ...]
    skew: tuple[float, ...]

    @property
    def thresholds(self) -> tuple[float, float]:
        """Of drift and of skew: a quarter above the largest of history."""
        drift, skew = (
            max(LEAST, MARGIN * max(one, default=0.0)) for one in (self.drift, self.skew)
        )
        return round(drift, 3), round(skew, 3)


def calibrate(settings: Settings, store: MetadataStore) -> list[Calibrated]:
    """Measures every span that passed the data gate against those before it.

    Args:
        settings: The project's settings.
        store: The metadata store.

    Raises:
        DataError: If there are too few such spans.
    """
    history = _history(settings, store)
    if len(history) < ENOUGH:
        raise DataError(
            f"{len(history)} spans passed the data gate: history takes at least {ENOUGH}.",
            hint="Ingest more: evergreen run --experiment.",
        )
    level = 1 - settings.monitoring.confidence
    names = sorted(set.intersection(*(set(one) for one in history)))
    return [
        Calibrated(
            name,
            _distances(history, name, 1, level),
            _distances(history, name, BEFORE, level),
        )
        for name in names
    ]


def _distances(
    history: Sequence[Mapping[str, Feature]], name: str, before: int, level: float
) -> tuple[float, ...]:
    found = (
        distance(
            [one[name] for one in history[max(0, at - before) : at]], [history[at][name]], level
        )
        for at in range(1, len(history))
    )
    return tuple(one.least for one in found if one)


def _history(settings: Settings, store: MetadataStore) -> list[dict[str, Feature]]:
    planner, digests = Planner(settings, store), take_digests(settings)
    keys = [
        planner.reference(one, digests).ingest_key for one in list_spans(settings.data.span_root)
    ]
    ids = [found for key in keys if (found := blessed_statistics(store, key))]
    folders = {one.id: Path(one.uri) for one in store.get_artifacts_by_id(ids)}
    datasets = (load_statistics(folders[one], TRAIN) for one in ids)
    return [{".".join(f.path.step): f for f in dataset.features} for dataset in datasets]
