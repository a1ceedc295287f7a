"""Encodes columns as `tf.Example`s and writes them to the files of their splits."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

FILE_NAME = "data_tfrecord-00000-of-00001"


def assign_splits(keys: pa.Array, splits: Mapping[str, int]) -> np.ndarray:
    """Assigns rows to splits by a hash of their keys: the same key is always in the same split.

    The hash is FarmHash Fingerprint64, which does not change with version or platform and is
    BigQuery's FARM_FINGERPRINT, so that a split can be repeated in SQL.

    Args:
        keys: The rows' keys, binary or numbers, shape [n], without nulls.
        splits: Hash buckets of each split.

    Returns:
        Indices into the splits in their order, int64 of shape [n].
    """
    buckets = _hash(keys, sum(splits.values()))
    return np.searchsorted(np.cumsum(list(splits.values())), buckets, side="right")


def fingerprints(keys: pa.Array) -> np.ndarray:
    """Returns 63 bits of hash of each key, int64 of shape [n]: equal only for equal keys."""
    return _hash(keys, 2**63 - 1)


def _hash(keys: pa.Array, buckets: int) -> np.ndarray:
    texts = keys if pa.types.is_binary(keys.type) else keys.cast(pa.string())
    return tf.strings.to_hash_bucket_fast(texts.to_numpy(zero_copy_only=False), buckets).numpy()


def to_lists(columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Wraps each value in a list of one, as the encoder wants; null becomes a missing feature."""
    return pa.RecordBatch.from_arrays(
        [_to_list(column) for column in columns.values()], names=list(columns)
    )


class SplitWriter:
    """Writes record batches to one TFRecord file a split, below `<folder>/Split-<name>/`."""

    def __init__(self, folder: Path, splits: Mapping[str, int]) -> None:
        self._splits = splits
        self._encoder = RecordBatchToExamplesEncoder()
        self._writers = []
        for name in splits:
            (folder / f"Split-{name}").mkdir(parents=True, exist_ok=True)
            self._writers.append(tf.io.TFRecordWriter(str(folder / f"Split-{name}" / FILE_NAME)))

    def write(self, columns: Mapping[str, pa.Array], keys: pa.Array) -> None:
        """Writes rows to the splits of their keys; both have the same length."""
        lists, assigned = to_lists(columns), assign_splits(keys, self._splits)
        for index, writer in enumerate(self._writers):
            for record in self._encoder.encode(lists.filter(pa.array(assigned == index))):
                writer.write(record)

    def __enter__(self) -> "SplitWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for writer in self._writers:
            writer.close()


def _to_list(column: pa.Array) -> pa.Array:
    present = column.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(present)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), column.drop_null(), mask=pa.array(~present))
