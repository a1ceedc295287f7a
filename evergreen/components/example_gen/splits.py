"""Assigns rows to splits by nothing but their key."""

from collections.abc import Mapping
from contextlib import ExitStack
from tempfile import TemporaryFile

import farmhash
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.quality.columns import one_id

PARTS = 64


def fingerprints(keys: pa.Array) -> np.ndarray:
    """Returns FarmHash Fingerprint64 of each key.

    It is the same in all versions and on all platforms, and is BigQuery's FARM_FINGERPRINT (which
    shows it as a signed number), so that a split can be repeated in SQL.

    Args:
        keys: Text for which `is_key` is true, or numbers, shape [n], without nulls. A key is the
            same for all types: `7.0` is `7`.

    Returns:
        uint64 of shape [n]: equal only for equal keys.
    """
    texts = one_id(keys).to_pylist()
    return np.fromiter(map(farmhash.fingerprint64, texts), np.uint64, len(texts))


def is_key(keys: pa.Array) -> np.ndarray:
    """Returns whether each value, shape [n], can be a row's key: UTF-8 without zero bytes."""
    if not pa.types.is_binary(keys.type):
        return keys.is_valid().to_numpy(zero_copy_only=False)
    try:
        texts = keys.cast(pa.string())
    except pa.ArrowInvalid:  # some are not UTF-8; find out which
        texts = pa.array([_decoded(value) for value in keys.to_pylist()], pa.string())
    return (
        pc.invert(pc.match_substring(texts, "\0")).fill_null(False).to_numpy(zero_copy_only=False)
    )


def assign_splits(hashes: np.ndarray, splits: Mapping[str, int]) -> np.ndarray:
    """Assigns rows to splits: the same key is always in the same split.

    Args:
        hashes: The fingerprints of the rows' keys, uint64 of shape [n].
        splits: The number of hash buckets of each split.

    Returns:
        Indices into the splits in order, int64 of shape [n].
    """
    buckets = hashes % np.uint64(sum(splits.values()))
    return np.searchsorted(np.cumsum(list(splits.values())), buckets, side="right")


class Distinct(ExitStack):
    """Counts repeated fingerprints.

    They are kept on disk, partitioned by value, in bounded memory.
    """

    def __init__(self) -> None:
        super().__init__()
        opened = (TemporaryFile() for _ in range(PARTS))  # noqa: SIM115 - entered at once
        self._files = [self.enter_context(file) for file in opened]

    def add(self, hashes: np.ndarray) -> None:
        """Adds fingerprints, uint64 of shape [n]."""
        ordered = np.sort(hashes)
        bounds = np.arange(1, PARTS, dtype=np.uint64) * np.uint64(2**64 // PARTS)
        parts = np.split(ordered, np.searchsorted(ordered, bounds))
        for file, part in zip(self._files, parts, strict=True):
            file.write(part.tobytes())

    def repeated(self) -> int:
        """Returns how many of them were added before."""
        repeated = 0
        for file in self._files:
            file.seek(0)
            part = np.frombuffer(file.read(), np.uint64)
            repeated += len(part) - len(np.unique(part))
        return repeated


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
