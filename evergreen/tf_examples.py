"""Reads examples from files, plain or gzipped."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf


def examples(files: Sequence[str]) -> tf.data.Dataset:
    """Returns serialized `tf.Example`s in the order of the files; `*.gz` files are gzipped."""
    compressions = ["GZIP" if file.endswith(".gz") else "" for file in files]
    named = tf.data.Dataset.from_tensor_slices(
        (tf.constant(files, tf.string), tf.constant(compressions, tf.string))
    )
    return named.flat_map(tf.data.TFRecordDataset)


def read_records(folders: Sequence[Path], rows: int) -> Iterator[list[bytes]]:
    """Yields batches of serialized `tf.Example`s, in the order of their files.

    Args:
        folders: Folders of TFRecords; files that end in `.gz` are gzipped.
        rows: The most rows of a batch.
    """
    files = sorted(str(file) for folder in folders for file in folder.iterdir())
    for batch in examples(files).batch(rows).as_numpy_iterator():
        yield list(batch)
