"""Live traffic compared with the schema: TFDV's anomalies, and the number of rows with each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa
import tensorflow_data_validation as tfdv
from scipy.stats import binomtest
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from evergreen.components.example_gen.writer import to_lists
from evergreen.errors import SettingsError
from evergreen.monitoring.results import Kind, TrafficFinding
from evergreen.quality.columns import Refusal
from evergreen.quality.descriptions import describe
from evergreen.quality.names import LONGEST, Names
from evergreen.quality.schema import SERVING, in_requests, load_curated
from evergreen.quality.tallies import Anomaly, Tally, feature_of
from evergreen.quality.violations import ABSENT, violating
from evergreen.settings import Settings
from evergreen.texts import visible

UNKNOWN = "unknown features"
Kinds = anomalies_pb2.AnomalyInfo


@dataclass(frozen=True)
class Expected:
    """The expected form of requests.

    Attributes:
        schema: The curated schema of the features in requests.
        kinds: Their types: `FLOAT`, `INT` or `BYTES`.
        known: All features in the curated schema.
    """

    schema: schema_pb2.Schema
    kinds: Mapping[str, str]
    known: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Reads the curated schema.

        Raises:
            SettingsError: If `monitoring.features` names a feature that it does not have, or
                `monitoring.performance.slices` one that is in no request.
        """
        schema = load_curated(settings.data.table_schema)
        known = {feature.name for feature in schema.feature}
        asked = settings.monitoring.features
        if unknown := set(asked or ()) - known:
            raise SettingsError(
                f"monitoring.features: {settings.data.table_schema} does not have"
                f" {', '.join(sorted(unknown))}."
            )
        kept = in_requests(schema, asked)
        del schema.feature[:]
        schema.feature.extend(kept)
        sliced = {part.feature for part in settings.monitoring.performance.slices}
        if outside := sliced - {feature.name for feature in kept}:
            raise SettingsError(
                f"monitoring.performance.slices: {', '.join(sorted(outside))} is in no request.",
                hint="Slices are by what monitoring.features names.",
            )
        kinds = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in kept}
        return cls(schema, kinds, frozenset(known))


class Violations:
    """Values of another type and features unknown to the schema, accumulated.

    Attributes:
        unknown: The names of the unknown features.
    """

    def __init__(self) -> None:
        self.unknown = Names()
        self._rows: dict[tuple[str, str], int] = {}
        self._such_as: dict[tuple[str, str], str] = {}

    def add(self, mistyped: Iterable[Refusal], unknown: Names) -> None:
        """Adds the violations of a batch."""
        self.unknown.merge(unknown)
        for refusal in mistyped:
            key = refusal.column, refusal.reason
            self._rows[key] = self._rows.get(key, 0) + 1
            self._such_as.setdefault(key, f"such as {visible(refusal.value, LONGEST)}")

    def findings(self, rows: int, share: float, level: float) -> list[TrafficFinding]:
        """Returns a finding for each feature and type, and one for all unknown features."""
        found = [
            _finding(name, count, rows, share, level, f"{what} {self._such_as[name, what]}")
            for (name, what), count in self._rows.items()
        ]
        if self.unknown.rows:
            detail = f"not in the schema: {self.unknown.text}"
            found.append(_finding(UNKNOWN, self.unknown.rows, rows, share, level, detail))
        return found


def validate(
    statistics: Any,
    schema: schema_pb2.Schema,
    batches: Iterable[Mapping[str, pa.Array]],
    share: float,
    level: float,
) -> list[TrafficFinding]:
    """Returns a finding for each anomaly; an anomaly in few rows does not fire.

    Args:
        statistics: The traffic's `DatasetFeatureStatisticsList`.
        schema: The expected schema.
        batches: The traffic again, read only if there are anomalies: TFDV does not count rows.
        share: The share of rows that may violate the schema.
        level: The confidence level that more rows violate it.
    """
    found = tfdv.validate_statistics(statistics, schema, environment=SERVING)
    tallies = {
        Anomaly(".".join(info.path.step), reason.type): Tally(reason.description)
        for info in found.anomaly_info.values()
        for reason in info.reason
    }
    expected = {anomaly: feature_of(schema, anomaly.column) for anomaly in tallies}
    for columns in batches if tallies else ():
        lists = to_lists(columns)
        for anomaly, tally in tallies.items():
            column = lists[anomaly.column] if anomaly.column in columns else None
            tally.add(violating(column, lists.num_rows, expected[anomaly], anomaly.kind))
    return [
        _finding(
            anomaly.column or "",
            tally.count,
            tally.rows,
            max(share, _may_lack(expected[anomaly]) if anomaly.kind in ABSENT else 0.0),
            level,
            describe(anomaly.kind, expected[anomaly], tally),
        )
        for anomaly, tally in tallies.items()
    ]


def _may_lack(feature: schema_pb2.Feature) -> float:
    return 1 - feature.presence.min_fraction


def _finding(
    name: str, count: int, rows: int, share: float, level: float, detail: str
) -> TrafficFinding:
    bounds = binomtest(min(count, rows), rows).proportion_ci(level, method="wilson")
    return TrafficFinding(
        kind=Kind.SCHEMA,
        name=name,
        value=count / rows,
        threshold=share,
        fired=bounds.low > share,
        interval=(float(bounds.low), float(bounds.high)),
        rows=rows,
        detail=visible(detail.strip()),
    )
