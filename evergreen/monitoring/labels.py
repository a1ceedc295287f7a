"""Labels that come late, joined to predictions by request and row."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evergreen.errors import DataError

REQUIRED = {"request_id": pa.string(), "row": pa.int64(), "label": pa.float64()}
TIME = "time"
"""The column that says when a label became known, UTC; else it is the time of its file."""
ROW = np.dtype([("key", np.uint64), ("time", np.float64), ("label", np.int8)])
"""A label: of which prediction, known since when (seconds since 1970), 0 or 1."""
MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads small numbers
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Labels:
    """Labels in memory: 17 bytes each, by a hash of 64 bits of request and row.

    Among a million predictions without a label and a million labels, the chance of one wrong match
    is 5e-8.

    Attributes:
        keys: Sorted, shape [n].
        values: 0 or 1, shape [n].
        times: Since when they are known, in seconds since 1970, shape [n].
    """

    keys: NDArray[np.uint64]
    values: NDArray[np.int8]
    times: Floats

    @classmethod
    def none(cls) -> Self:
        """No labels."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int8), np.empty(0))

    @classmethod
    def load(cls, folder: Path, after: datetime, now: datetime) -> Self:
        """Reads labels; of two for the same row, the one known later counts.

        Args:
            folder: Of Parquet and CSV files with the columns `request_id`, `row`, `label`, and
                perhaps `time`.
            after: Files written before hold no label that is wanted.
            now: Labels that are known later do not count yet.

        Raises:
            DataError: If a file cannot be read, lacks a column, or has a label but 0 and 1.
        """
        known = now.timestamp()
        parts = [
            part[part["time"] <= known] for file in _files(folder, after) for part in _read(file)
        ]
        rows = np.concatenate([np.empty(0, ROW), *parts])
        del parts
        order = np.lexsort((rows["time"], rows["key"]))
        keys = rows["key"][order]
        order = order[np.append(keys[1:] != keys[:-1], True)[: len(keys)]]
        # Apart, since searching what is not contiguous copies it each time.
        return cls(rows["key"][order], rows["label"][order], rows["time"][order])

    def join(self, request_ids: pa.Array, rows: pa.Array) -> tuple[Floats, Floats]:
        """Returns label and time of each row, NaN where there is none; all of shape [n]."""
        nothing = np.full(len(rows), np.nan)
        if not len(self.keys):
            return nothing, nothing
        keys = _keys(request_ids, rows)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = self.keys[places] == keys
        return (
            np.where(known, self.values[places], np.nan),
            np.where(known, self.times[places], np.nan),
        )


def _files(folder: Path, after: datetime) -> list[Path]:
    found = [file for file in folder.rglob("*") if file.suffix in {".parquet", ".csv"}]
    return sorted(
        file
        for file in found
        if not file.name.startswith(".") and file.stat().st_mtime >= after.timestamp()
    )


def _read(file: Path) -> Iterator[NDArray[np.void]]:
    written = file.stat().st_mtime
    try:
        for batch in _batches(file):
            if missing := REQUIRED.keys() - set(batch.schema.names):
                raise DataError(
                    f"{file}: lacks the columns {', '.join(sorted(missing))}.",
                    hint="Labels have the columns request_id, row, label, and perhaps time.",
                )
            yield _rows(file, batch, written)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError(
            f"{file}: cannot be read as labels: {error}",
            hint="Write it anew, under a hidden name that is then renamed.",
        ) from error


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    if file.suffix == ".parquet":
        return pq.ParquetFile(file).iter_batches()
    types = REQUIRED | {TIME: pa.timestamp("us", "UTC")}
    return iter(pc_csv.open_csv(file, convert_options=pc_csv.ConvertOptions(column_types=types)))


def _rows(file: Path, batch: pa.RecordBatch, written: float) -> NDArray[np.void]:
    known = batch.filter(batch["label"].is_valid())
    columns = {name: known[name].cast(type_) for name, type_ in REQUIRED.items()}
    values = columns["label"].to_numpy(zero_copy_only=False)
    wrong = values[~np.isin(values, (0, 1))]
    if len(wrong):
        raise DataError(f"{file}: a label is {wrong[0]:g}; it must be 0 or 1.")
    rows = np.empty(len(values), ROW)
    rows["key"], rows["label"] = _keys(columns["request_id"], columns["row"]), values
    rows["time"] = written
    if TIME in known.schema.names:
        moments = known[TIME].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        rows["time"] = moments.to_numpy(zero_copy_only=False) / 1e6
    return rows


def _keys(request_ids: pa.Array, rows: pa.Array) -> NDArray[np.uint64]:
    texts = request_ids.to_numpy(zero_copy_only=False)
    hashes = pd.util.hash_array(texts, categorize=False)
    places = rows.to_numpy(zero_copy_only=False).astype(np.uint64) + np.uint64(1)
    return np.asarray(hashes ^ (places * MIX), np.uint64)
