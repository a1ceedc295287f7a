"""Any number of trips out of the real ones, with the same distributions.

Rows are drawn with replacement, as text, so types, missing values, categories, numbers and what
they have to do with each other are those of the sample. Numbers need no noise: fares are whole
cents, times whole minutes, distances tenths of a mile, and in more trips the same values occur
again. Two things change. Timestamps move by whole weeks within their month, and by quarters of an
hour within their hour: month, weekday and hour, which are columns of their own, stay true. Keys are
new, and distinct.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.taxi import KEY_COLUMN, TIMESTAMP_COLUMN
from data.taxi.source import sample_path
from evergreen.spans.tables import read_csv_text

BATCH_ROWS = 50_000
SEED = 2013
HOUR, DAY, WEEK_DAYS, QUARTER = 3600, 86_400, 7, 900
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(
    -1, 2
)


def resample(rows: int, source: Path | None = None, seed: int = SEED) -> Iterator[pa.RecordBatch]:
    """Yields trips in batches of `BATCH_ROWS`, the last one smaller; the same ones each time.

    Args:
        rows: How many in all. Of two numbers, the first batches are the same.
        source: CSV file to draw from; None for the sample that ships with TFX.
        seed: Of the draws.

    Yields:
        The columns of the source as text, and the key, text of 32 hexadecimal digits.
    """
    trips = read_csv_text(source or sample_path()).combine_chunks().to_batches()[0]
    starts, at = _Starts(trips[TIMESTAMP_COLUMN]), trips.schema.get_field_index(TIMESTAMP_COLUMN)
    for first in range(0, rows, BATCH_ROWS):
        count = min(BATCH_ROWS, rows - first)
        chance = np.random.default_rng([seed, first])
        # Always as many as a whole batch, so that a shorter one begins alike.
        drawn = chance.integers(0, trips.num_rows, BATCH_ROWS)[:count]
        moved = pa.array(starts.moved(drawn, chance)).cast(pa.string())
        batch = trips.take(pa.array(drawn)).set_column(at, TIMESTAMP_COLUMN, moved)
        yield batch.append_column(KEY_COLUMN, keys(first, count, seed))


def keys(first: int, count: int, seed: int) -> pa.Array:
    """Returns the keys of consecutive rows: strings of 32 digits, distinct below 2^64 rows."""
    counters = np.arange(first, first + count, dtype=np.uint64)
    halves = np.stack([_mixed(counters), _mixed(counters ^ np.uint64(seed) << np.uint64(40))], 1)
    digits = _HEX[halves.view(np.uint8)]
    offsets = np.arange(count + 1, dtype=np.int32) * 32
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(digits))


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """SplitMix64's finalizer (Steele et al., 2014): one to one, so distinct stays distinct."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


class _Starts:
    """When trips start, and when else they may: in the same month, weekday and hour."""

    def __init__(self, timestamps: pa.Array) -> None:
        moments = timestamps.cast(pa.int64()).cast(pa.timestamp("s"))
        months = moments.to_numpy(zero_copy_only=False).astype("datetime64[M]")
        begin, end = (each.astype("datetime64[s]").astype(int) for each in (months, months + 1))
        day = (pc.day(moments).to_numpy(zero_copy_only=False) - 1) % WEEK_DAYS
        hour = pc.hour(moments).to_numpy(zero_copy_only=False)
        self._first = begin + day * DAY + hour * HOUR
        self._weeks = -(-((end - begin) // DAY - day) // WEEK_DAYS)

    def moved(self, rows: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Returns new moments of some rows, in seconds since 1970."""
        weeks, quarters = chance.random((BATCH_ROWS, 2))[: len(rows)].T
        week = (weeks * self._weeks[rows]).astype(int)
        quarter = (quarters * (HOUR // QUARTER)).astype(int)
        return self._first[rows] + week * WEEK_DAYS * DAY + quarter * QUARTER
