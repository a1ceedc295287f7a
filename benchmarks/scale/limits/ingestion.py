"""Ingestion at its least: CSV by Arrow, `tf.Example`s by tfx-bsl, one file by TensorFlow.

No splits, no keys looked at, no value checked, no digest, no metadata; one row after the other.

Usage: python -m benchmarks.scale.limits.ingestion none|gzip CORES TARGET PART...
"""

import sys
from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from data.taxi import KEY_COLUMN
from data.taxi.source import SOURCE_SCHEMA

BLOCK_BYTES = 8 << 20
TYPES = {pa.float64(): pa.float32(), pa.int64(): pa.int64(), pa.string(): pa.binary()}
COLUMNS = {field.name: TYPES[field.type] for field in SOURCE_SCHEMA} | {KEY_COLUMN: pa.binary()}


def ingest(compression: str, cores: int, target: str, parts: Sequence[str]) -> int:
    """Writes the rows of CSV files to one TFRecord file; returns how many.

    Args:
        compression: Of the file: `none` or `gzip`.
        cores: With more than one, Arrow reads ahead in threads.
        target: The file.
        parts: The CSV files.
    """
    read = pcsv.ReadOptions(use_threads=cores > 1, block_size=BLOCK_BYTES)
    convert = pcsv.ConvertOptions(
        column_types=COLUMNS, null_values=[""], strings_can_be_null=True, check_utf8=False
    )
    encoder, rows = RecordBatchToExamplesEncoder(), 0
    options = tf.io.TFRecordOptions(compression_type={"none": "", "gzip": "GZIP"}[compression])
    with tf.io.TFRecordWriter(target, options) as writer:
        for part in parts:
            for batch in pcsv.open_csv(part, read_options=read, convert_options=convert):
                for record in encoder.encode(_lists(batch)):
                    writer.write(record)
                rows += batch.num_rows
    return rows


def _lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Each value as a list of one, and null as none, as the encoder wants it."""
    return pa.RecordBatch.from_arrays(
        [_list(column) for column in batch.columns], batch.schema.names
    )


def _list(column: pa.Array) -> pa.Array:
    present = column.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(present)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, column.drop_null(), mask=pa.array(~present))


if __name__ == "__main__":
    from benchmarks.scale.limits.timing import timed

    compression, cores, target, *parts = sys.argv[1:]
    timed(partial(ingest, compression, int(cores), target, parts))
