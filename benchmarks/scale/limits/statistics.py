"""Statistics at their least: columns in memory, and each figure by one call of Arrow or NumPy.

The figures are those that StatisticsGen's artifact has of each column: numbers of values and of
missing ones; of numbers mean, deviation, zeros, least, most, median, and histograms of equal widths
and of equal counts; of text the distinct values, the most frequent ones, and the mean length.

Usage: python -m benchmarks.scale.limits.statistics EXAMPLES
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

BATCH_ROWS = 10_000
BUCKETS, TOP_VALUES = 10, 1000
Figures = dict[str, object]


def compute(examples: Path) -> int:
    """Computes the figures of each split's columns; returns the number of rows."""
    found = {split.name: _of_split(split) for split in sorted(examples.glob("Split-*"))}
    print(found, file=sys.stderr)  # noqa: T201 - so that nobody can say that it was not done
    return sum(
        max(feature["values"] + feature["missing"] for feature in split.values())
        for split in found.values()
    )


def _of_split(folder: Path) -> dict[str, Figures]:
    files = sorted(str(file) for file in folder.iterdir())
    compression = "GZIP" if files[0].endswith(".gz") else ""
    decoder, columns, rows = ExamplesToRecordBatchDecoder(), {}, 0
    dataset = tf.data.TFRecordDataset(files, compression).batch(BATCH_ROWS)
    for records in dataset.as_numpy_iterator():
        batch = decoder.DecodeBatch(list(records))
        rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_null(column.type):
                columns.setdefault(name, []).append(pc.list_flatten(column))
    return {name: _of_column(pa.chunked_array(parts), rows) for name, parts in columns.items()}


def _of_column(values: pa.ChunkedArray, rows: int) -> Figures:
    common = {"values": len(values), "missing": rows - len(values)}
    text = pa.types.is_large_binary(values.type) or pa.types.is_binary(values.type)
    return common | (_of_text(values) if text else _of_numbers(values.to_numpy()))


def _of_text(values: pa.ChunkedArray) -> Figures:
    counted = pc.value_counts(values)
    frequent = np.argsort(-counted.field("counts").to_numpy(), kind="stable")[:TOP_VALUES]
    return {
        "distinct": len(counted),
        "length": pc.mean(pc.binary_length(values)).as_py(),
        "top": counted.take(pa.array(frequent)).to_pylist(),
    }


def _of_numbers(values: np.ndarray) -> Figures:
    ordered = np.sort(values)
    return {
        "mean": values.mean(dtype=np.float64),
        "deviation": values.std(dtype=np.float64),
        "zeros": int((values == 0).sum()),
        "least": ordered[0],
        "most": ordered[-1],
        "median": ordered[len(ordered) // 2],
        "standard": np.histogram(values, BUCKETS)[0],
        "quantiles": ordered[np.linspace(0, len(ordered) - 1, BUCKETS + 1).astype(int)],
    }


if __name__ == "__main__":
    from benchmarks.scale.limits.timing import timed

    timed(partial(compute, Path(sys.argv[1])))
