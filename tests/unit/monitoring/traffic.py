"""Logs of predictions as a gateway writes them."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.monitoring.findings import Window
from evergreen.serving.gateway.prediction_log.files import SCHEMA

MODEL = "taxi"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hour(number: int) -> Window:
    """An hour of the log, from 0."""
    return Window(start=START + number * HOUR, end=START + (number + 1) * HOUR)


def trips(count: int, seed: int, shift: float = 0.0, company: str | None = "A") -> list[dict]:
    """Features of some trips."""
    random = np.random.default_rng(seed)
    miles = random.lognormal(0.5 + shift, 1, count)
    hours = random.integers(0, 24, count)
    return [
        {
            "trip_miles": float(np.float32(mile)),
            "trip_start_hour": int(at),
            "payment_type": "Cash" if at % 2 else "Credit Card",
            "company": company,
        }
        for mile, at in zip(miles, hours, strict=True)
    ]


def write(
    folder: Path,
    window: Window,
    rows: list[dict[str, Any]],
    scores: np.ndarray,
    version: int = 1,
    arm: str = "stable",
) -> list[str]:
    """Writes a file of the log; returns the request ids."""
    ids = [uuid.uuid4().hex for _ in rows]
    step = (window.end - window.start) / len(rows)
    columns = {
        "request_id": ids,
        "row": [0] * len(rows),
        "time": [window.start + at * step for at in range(len(rows))],
        "model": [MODEL] * len(rows),
        "version": [version] * len(rows),
        "arm": [arm] * len(rows),
        "signature": [""] * len(rows),
        "features": [json.dumps(row) for row in rows],
        "outputs": [json.dumps({"probabilities": float(score)}) for score in scores],
    }
    target = folder / f"date={window.start:%Y-%m-%d}" / f"{uuid.uuid4().hex}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, SCHEMA), target)
    return ids


def label(folder: Path, ids: list[str], labels: np.ndarray, name: str = "a") -> None:
    """Writes a file of labels."""
    folder.mkdir(exist_ok=True)
    table = pa.table({"request_id": ids, "row": [0] * len(ids), "label": labels.astype(float)})
    pq.write_table(table, folder / f"{name}.parquet")
