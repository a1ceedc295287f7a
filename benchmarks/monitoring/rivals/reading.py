"""Reads what is monitored into pandas. Needs pandas and pyarrow only."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.json as pj

BLOCK = 1 << 24
Compute = Callable[[pd.DataFrame, pd.DataFrame], Any]


def read(log: str, labels: str) -> pd.DataFrame:
    """Returns features, `score` and `label` of every logged prediction."""
    table = ds.dataset(log, format="parquet").to_table(
        columns=["request_id", "row", "features", "outputs"]
    )
    frame = pd.concat([_json(table["features"]), _json(table["outputs"])], axis=1)
    frame["request_id"], frame["row"] = table["request_id"].to_pandas(), table["row"].to_pandas()
    known = ds.dataset(labels, format="parquet").to_table().to_pandas()
    frame = frame.merge(known, on=["request_id", "row"], how="left")
    return frame.rename(columns={"probabilities": "score"}).drop(columns=["request_id", "row"])


def _json(column: pa.ChunkedArray) -> pd.DataFrame:
    lines = "\n".join(column.to_pylist()).encode()
    return pj.read_json(pa.BufferReader(lines), pj.ReadOptions(block_size=BLOCK)).to_pandas()


def timed(compute: Compute) -> None:
    """Does the job that the command line names; prints what it took as JSON."""
    log, labels, reference = sys.argv[1:]
    start = time.perf_counter()
    frame, before = read(log, labels), pd.read_parquet(reference)
    read_seconds = time.perf_counter() - start
    found = compute(before, frame)
    seconds = time.perf_counter() - start
    print(found, file=sys.stderr)  # noqa: T201 - it is in the log
    print(json.dumps({"rows": len(frame), "read": read_seconds, "seconds": seconds}))  # noqa: T201
