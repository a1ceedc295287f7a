"""A log of predictions as the gateway writes it, of real trips drawn again and again."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.taxi.source import read_source, sample_path
from evergreen.monitoring.results import Window
from evergreen.serving.gateway.prediction_log.files import SCHEMA
from models.taxi.features import TRIPS

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(days=1))
FILE_ROWS = 50_000
"""Of a file, as the gateway's `rotate_rows`."""


def make(folder: Path, rows: int) -> Path:
    """Writes log, labels and reference, unless they are there.

    Args:
        folder: `log`, `labels` and `reference.parquet` go below `<folder>/<rows>`.
        rows: Logged predictions; all have labels.

    Returns:
        The folder of that many rows.
    """
    target = folder / str(rows)
    if (target / "reference.parquet").is_file():
        return target
    chance = np.random.default_rng(rows)
    trips = read_source(sample_path()).select(TRIPS.raw_names)
    cards = np.array([payment == "Credit Card" for payment in trips["payment_type"].to_pylist()])
    texts = pa.array([json.dumps(trip) for trip in trips.to_pylist()])
    (target / "log/date=2026-01-01").mkdir(parents=True, exist_ok=True)
    (target / "labels").mkdir(exist_ok=True)
    for first in range(0, rows, FILE_ROWS):
        count = min(FILE_ROWS, rows - first)
        drawn = chance.integers(0, len(trips), count)
        scores, labels = _answers(cards[drawn], chance)
        ids = pa.array([f"{first + at:032x}" for at in range(count)])
        _write_log(target, first, rows, ids, texts.take(pa.array(drawn)), scores)
        table = pa.table({"request_id": ids, "row": _zeros(count), "label": pa.array(labels)})
        pq.write_table(table, target / f"labels/{first:09d}.parquet")
    scores, labels = _answers(cards, chance)
    reference = trips.append_column("score", pa.array(scores))
    pq.write_table(reference.append_column("label", pa.array(labels)), target / "reference.parquet")
    return target


def _answers(cards: np.ndarray, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scores as of a model that knows how a trip was paid, and labels that fit."""
    odds = np.where(cards, 0.8, -5.0) + chance.normal(0, 0.8, len(cards))
    scores = 1 / (1 + np.exp(-odds))
    return scores, (chance.random(len(cards)) < scores).astype(np.int8)


def _write_log(
    target: Path, first: int, rows: int, ids: pa.Array, features: pa.Array, scores: np.ndarray
) -> None:
    count = len(ids)
    seconds = START.timestamp() + (first + np.arange(count)) * (86_400 / rows)
    columns = {
        "request_id": ids,
        "row": _zeros(count),
        "time": pa.array((seconds * 1e6).astype(np.int64)).cast(SCHEMA.field("time").type),
        "model": pa.array(["taxi"] * count),
        "version": pa.array([1] * count),
        "arm": pa.array(["stable"] * count),
        "signature": pa.array(["raw"] * count),
        "features": features,
        "outputs": pa.array([f'{{"probabilities":{score:.7g}}}' for score in scores]),
    }
    table = pa.Table.from_pydict(columns, schema=SCHEMA)
    pq.write_table(table, target / f"log/date=2026-01-01/{first:09d}.parquet", compression="zstd")


def _zeros(count: int) -> pa.Array:
    return pa.array(np.zeros(count, np.int32))
