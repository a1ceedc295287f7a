"""Derives limits from history: how far does normal traffic move?

The distances between normal windows are a sample; a limit is the value that the next distance stays
below with a given chance. The variation of the logarithm of a distance is taken to be the same for
all features of a kind, so that few windows suffice: with k distances of a feature, the mean of
their logarithms, and the deviation s pooled over the features with n degrees of freedom in all, the
limit is the upper prediction bound of a log-normal sample,

    exp(mean + t(chance, n) * s * sqrt(1 + 1 / k)),

with t the quantile of Student's distribution (Hahn and Meeker, Statistical Intervals, 4.7), and not
less than the largest distance seen.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ml_metadata.metadata_store import MetadataStore
from scipy.stats import t

from evergreen.errors import EvergreenError
from evergreen.evaluation.distances import distances
from evergreen.lineage.artifacts import series_statistics
from evergreen.monitoring.reference import SPLIT
from evergreen.monitoring.results import Kind, results
from evergreen.quality.artifacts import load_statistics
from evergreen.quality.statistics import Feature, features
from evergreen.settings import Settings

Source = Literal["windows", "spans"]
MIN_DISTANCES = 2
SMALLEST = 1e-4  # smaller distances count as this, so that all have a logarithm
MIN_WINDOWS = 10
"""The number of quiet windows of live traffic that suffice; with fewer, spans are used."""
SECTIONS = {Kind.DRIFT: "drift", Kind.SKEW: "skew", Kind.PREDICTIONS: "predictions"}


@dataclass(frozen=True)
class Limit:
    """A derived limit.

    Attributes:
        kind: The kind of its findings.
        name: The feature, or the name of the scores.
        source: Whether the distances are between windows of traffic, or spans of training data.
        distances: The distances of consecutive windows or spans.
        limit: The limit.
    """

    kind: Kind
    name: str
    source: Source
    distances: tuple[float, ...]
    limit: float


def calibrate(settings: Settings, store: MetadataStore, chance: float) -> list[Limit]:
    """Derives limits for drift, skew and prediction drift.

    Args:
        settings: The project's settings.
        store: The metadata store.
        chance: The chance that a normal window stays below a limit.

    Raises:
        EvergreenError: If there is not enough history.
    """
    source: Source = "windows"
    found = _of_windows(settings, store)
    if not found:
        source, found = "spans", _of_spans(settings, store)
    if not found:
        raise EvergreenError(
            f"there is no history: {MIN_DISTANCES + 1} ingested spans, or {MIN_WINDOWS} quiet"
            " windows of traffic, are needed.",
            hint="Ingest more spans (evergreen run), or run evergreen monitor for a while.",
        )
    return [
        Limit(kind, name, source, tuple(values[name]), limit)
        for kind in SECTIONS
        if (values := _of_kind(settings, found, kind))
        for name, limit in bounds(values, chance).items()
    ]


def bounds(values: Mapping[str, Sequence[float]], chance: float) -> dict[str, float]:
    """Returns what each feature's next distance stays below with the given chance, rounded up.

    Args:
        values: Distances by feature, at least two of each.
        chance: The chance for one feature.
    """
    logs = {name: np.log(np.maximum(some, SMALLEST)) for name, some in values.items()}
    freedom = sum(len(some) - 1 for some in logs.values())
    squares = sum(float(((some - some.mean()) ** 2).sum()) for some in logs.values())
    reach = float(t.ppf(chance, freedom)) * math.sqrt(squares / freedom)
    found = {
        name: math.exp(some.mean() + reach * math.sqrt(1 + 1 / len(some)))
        for name, some in logs.items()
    }
    return {
        name: min(math.ceil(max(limit, *values[name]) * 1e4) / 1e4, 1.0)
        for name, limit in found.items()
    }


def _of_kind(
    settings: Settings, found: Mapping[tuple[Kind, str], list[float]], kind: Kind
) -> dict[str, list[float]]:
    """Returns distances by name, without features that have no limit."""
    sections = {Kind.DRIFT: settings.monitoring.drift, Kind.SKEW: settings.monitoring.skew}
    own = sections[kind].features if kind in sections else {}
    free = {name for name, limit in own.items() if limit == 1}
    return {
        name: values
        for (of, name), values in found.items()
        if of is kind and name not in free and len(values) >= MIN_DISTANCES
    }


def overlay(limits: Sequence[Limit]) -> dict[str, Any]:
    """Returns the limits as a section of settings."""
    found: dict[str, Any] = {
        SECTIONS[kind]: {
            "features": {limit.name: limit.limit for limit in limits if limit.kind is kind},
        }
        for kind in (Kind.DRIFT, Kind.SKEW)
    }
    scores = [limit.limit for limit in limits if limit.kind is Kind.PREDICTIONS]
    return {"monitoring": found | ({"predictions": max(scores)} if scores else {})}


def _of_windows(settings: Settings, store: MetadataStore) -> dict[tuple[Kind, str], list[float]]:
    quiet = [result for _, result in results(store, settings.model.name) if not result.fired]
    found: dict[tuple[Kind, str], list[float]] = {}
    for result in quiet if len(quiet) >= MIN_WINDOWS else ():
        for finding in result.findings:
            if finding.kind in SECTIONS:
                found.setdefault((finding.kind, finding.name), []).append(finding.value)
    return found


def _of_spans(settings: Settings, store: MetadataStore) -> dict[tuple[Kind, str], list[float]]:
    """Compares each span with the previous one (drift), and with all previous ones (skew)."""
    spans = list(_spans(settings, store))
    found: dict[tuple[Kind, str], list[float]] = {}
    for place, now in enumerate(spans[1:], start=1):
        for kind, before in ((Kind.DRIFT, spans[place - 1 : place]), (Kind.SKEW, spans[:place])):
            for name, distance in distances(before, now, 0.95).items():
                found.setdefault((kind, name), []).append(distance.value)
    return found if len(spans) > MIN_DISTANCES else {}


def _spans(settings: Settings, store: MetadataStore) -> Iterator[Mapping[str, Feature]]:
    wanted = settings.monitoring.features
    for artifact_id in series_statistics(store, settings.data_series).values():
        [artifact] = store.get_artifacts_by_id([artifact_id])
        loaded = load_statistics(Path(artifact.uri), SPLIT)
        if loaded is not None:
            yield {
                name: feature
                for name, feature in features(loaded).items()
                if wanted is None or name in wanted
            }
