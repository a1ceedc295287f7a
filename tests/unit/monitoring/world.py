"""A served model with its lineage, and traffic on it, made without running a pipeline."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ml_metadata.metadata_store import MetadataStore

from evergreen.evaluation.metrics import histogram, pack
from evergreen.lineage.registry import Registry
from evergreen.lineage.store import open_store, set_properties
from evergreen.monitoring.results import Kind, MonitoringResult, Window
from evergreen.monitoring.statistics import Statistics
from evergreen.quality.columns import coerce
from evergreen.runs.plan import ModelRef, Outcome, SpanRef
from evergreen.serving.gateway.prediction_log.entries import Entry
from evergreen.serving.gateway.prediction_log.files import Files
from evergreen.serving.gateway.prediction_log.reader import Prediction
from evergreen.settings import Settings, load_settings
from evergreen.settings.gateway import PredictionLogSettings
from evergreen.spans import land
from tests.project import ROOT, places
from tests.unit.reporting.reports import data_report, model_report
from tests.unit.reporting.telling import Story

TODAY = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Window(start=TODAY - DAY, end=TODAY)
BEFORE = Window(start=TODAY - 2 * DAY, end=TODAY - DAY)
ROWS = 3000
PAYMENTS = ["Credit Card", "Cash"]
KINDS = {"trip_miles": "FLOAT", "trip_start_hour": "INT", "payment_type": "BYTES",
         "company": "BYTES"}  # fmt: skip


class Trips:
    """Rows of traffic: features, the model's scores, and what was true.

    Args:
        rows: How many.
        seed: Of all that is drawn.
        cards: The share paid by card.
        believes: Mean score of trips paid by card; the truth is 0.7.
    """

    def __init__(
        self, rows: int = ROWS, seed: int = 0, cards: float = 0.4, believes: float = 0.7
    ) -> None:
        chance = np.random.default_rng(seed)
        paid = chance.random(rows) < cards
        self.columns: dict[str, list[Any]] = {
            "trip_miles": np.round(chance.lognormal(0.8, 0.9, rows), 1).tolist(),
            "trip_start_hour": chance.integers(0, 24, rows).tolist(),
            "payment_type": [PAYMENTS[0] if card else PAYMENTS[1] for card in paid],
            "company": [None if draw < 0.3 else f"Taxi {draw:.1f}" for draw in chance.random(rows)],
        }
        spread = chance.normal(0, 0.8, rows)
        self.scores = _moved(np.where(paid, believes, 0.05), spread)
        self.labels = chance.random(rows) < _moved(np.where(paid, 0.7, 0.05), spread)

    def __len__(self) -> int:
        return len(self.scores)

    def evaluation(self) -> dict[str, Any]:
        """What the model gate's report says of these rows, for monitors."""
        return {"scores": pack(histogram(self.labels, self.scores)).model_dump()}

    def rows(self) -> list[dict[str, Any]]:
        names = list(self.columns)
        return [
            dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)
        ]

    def statistics(self) -> bytes:
        """Of the features, as StatisticsGen writes them."""
        batch = pa.RecordBatch.from_pydict(self.columns)
        statistics = Statistics()
        statistics.add(coerce(batch, KINDS)[0])
        return statistics.result().SerializeToString()


def _moved(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(np.log(mean / (1 - mean)) + spread)))


class World:
    """A project whose version 1 serves; it was trained on one span of trips of 2025."""

    def __init__(self, folder: Path, *overrides: str, trained: Sequence[Trips] = ()) -> None:
        self.folder = folder
        self.settings: Settings = load_settings(
            ROOT,
            overrides=[
                *places(folder),
                f"metadata.sqlite={folder}/metadata.sqlite",
                f"monitoring.features=[{','.join(KINDS)}]",
                "monitoring.max_age_days=400",
                *overrides,
            ],
        )
        self.store: MetadataStore = open_store(self.settings.metadata)
        self._trains(list(trained) or [Trips(seed=100)])

    def log(
        self, trips: Trips, window: Window = WINDOW, version: int = 1, arm: str = "stable"
    ) -> list[str]:
        """Logs trips as the gateway does, spread over a window; returns their request ids."""
        folder = self.settings.gateway.log.folder
        files = Files(folder, PredictionLogSettings(), lambda: 0.0)
        step = (window.end - window.start).total_seconds() / len(trips)
        start, ids = window.start.timestamp(), []
        for at, (row, score) in enumerate(zip(trips.rows(), trips.scores, strict=True)):
            ids.append(f"{start:.0f}-{version}-{arm}-{at}")
            entry = Entry(ids[-1], start + at * step, arm, version, "Predict", "", b"", b"")
            outputs = [{"probabilities": np.asarray(score).tolist()}]
            files.add(entry, Prediction("taxi", version, "raw", [row], outputs))
        files.write()
        return ids

    def label(self, ids: list[str], labels: Sequence[bool], known: datetime = TODAY) -> Path:
        """Lets labels arrive."""
        table = pa.table(
            {
                "request_id": ids,
                "row": pa.array([0] * len(ids), pa.int32()),
                "label": pa.array(np.asarray(labels)),
                "time": pa.array([known] * len(ids), pa.timestamp("us", "UTC")),
            }
        )
        folder = self.settings.monitoring.labels.folder
        folder.mkdir(exist_ok=True)
        file = folder / f"{len(list(folder.iterdir()))}.parquet"
        pq.write_table(table, file)
        return file

    def monitor(self, window: Window = WINDOW, now: datetime = TODAY) -> MonitoringResult:
        from evergreen.monitoring.monitor import monitor

        return monitor(self.settings, self.store, window, now)

    def _trains(self, trained: list[Trips]) -> None:
        spans = [self._span(number) for number, _ in enumerate(trained, 1)]
        story = Story(self.store, self.folder / "artifacts", window=tuple(spans))
        for span, trips in zip(spans, trained, strict=True):
            report = data_report(span.number)
            found = story.ingests(span, report)
            file = story.place(found) / "Split-train" / "FeatureStats.pb"
            file.write_bytes(trips.statistics())
        for blessing in self.store.get_artifacts_by_type("DataBlessing"):
            set_properties(blessing, {"blessed": 1, "series": self.settings.data_series})
            self.store.put_artifacts([blessing])
        last = trained[-1]
        story.trains(model_report() | {"slices": []} | last.evaluation())
        story.ends(Outcome.PUSHED)
        [model] = (artifact for artifact in self.store.get_artifacts_by_type("Model"))
        registry = Registry(self.store, "taxi")
        registry.take_version("train")
        registry.register(
            ModelRef(version=1, artifact_id=model.id), "tester", "a test", {"run": "run-1"}
        )

    def _span(self, number: int) -> SpanRef:
        """A span whose newest trip is of 1 February 2025, plus a month a number."""
        file = self.folder / f"span-{number}.parquet"
        moment = int(datetime(2025, 1 + number, 1, tzinfo=UTC).timestamp())
        pq.write_table(
            pa.table({"trip_id": [f"t{number}"], "trip_start_timestamp": [moment]}), file
        )
        data = self.settings.data
        span = land(data.span_root, file, number, key_column=data.key,
                    timestamp_column=data.timestamp)  # fmt: skip
        return SpanRef(number=number, version=1, sha256=span.sha256, path=span.path,
                       ingest_key=f"key {number}")  # fmt: skip


def fired(result: MonitoringResult, kind: Kind | None = None) -> set[str]:
    """Names of what fired, of one kind or of all."""
    return {finding.name for finding in result.fired if kind in (None, finding.kind)}
