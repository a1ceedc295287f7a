"""Writes TFRecord files without TensorFlow, so that encoding processes start in a second.

The format is that of `tensorflow/core/lib/io/record_writer.h`: length (8 bytes), masked CRC-32C of
the length (4), the record, masked CRC-32C of the record (4); little-endian.
"""

import gzip
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import numpy as np

from evergreen.compression import Compression

MASK = np.uint32(0xA282EAD8)
"""Added to a rotated checksum, so that a checksum of data with checksums is safe."""
GZIP_LEVEL = 1
"""Level 6 makes files of taxi trips 6 % smaller, and takes three times as long."""

RecordFile = BinaryIO | gzip.GzipFile


@contextmanager
def open_file(path: Path, compression: Compression) -> Iterator[RecordFile]:
    """Opens a file for writing; the same records give the same bytes."""
    with path.open("wb") as file:
        if compression is Compression.NONE:
            yield file
            return
        # Without name and time in the header.
        with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as zipped:
            yield zipped


def frame(records: Sequence[bytes]) -> Iterator[bytes]:
    """Yields the bytes of a TFRecord file with these records, in pieces."""
    checksums = np.fromiter(map(google_crc32c.value, records), np.uint32, len(records))
    footers = _masked(checksums).tobytes()
    for index, record in enumerate(records):
        yield _header(len(record))
        yield record
        yield footers[4 * index : 4 * index + 4]


@lru_cache(maxsize=1 << 14)
def _header(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + _masked(np.array([google_crc32c.value(packed)], np.uint32)).tobytes()


def _masked(checksums: np.ndarray) -> np.ndarray:
    return (((checksums >> 15) | (checksums << 17)) + MASK).astype("<u4")
