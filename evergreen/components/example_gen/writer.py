"""Encodes a piece of rows as `tf.Example`s, and writes them to the files of their splits."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import pyarrow as pa
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from evergreen.components.example_gen.reader import Piece
from evergreen.components.example_gen.rejects import Aside, Rejections
from evergreen.components.example_gen.splits import assign_splits, fingerprints, is_key
from evergreen.components.example_gen.tfrecords import RecordFile, frame, open_file
from evergreen.compression import Compression
from evergreen.quality.columns import Refusal, coerce

ENCODED_ROWS = 4096
"""Rows at a time, which fit the processor's cache: 65,536 take a third longer."""


@dataclass(frozen=True)
class Form:
    """The form of the examples.

    Attributes:
        columns: The schema's type of each column: `FLOAT`, `INT` or `BYTES`.
        key: The column with the row's stable key.
        splits: The number of hash buckets of each split.
        compression: The compression of the files.
        missing: Text that stands for a missing value, besides the empty field.
    """

    columns: Mapping[str, str]
    key: str
    splits: Mapping[str, int]
    compression: Compression = Compression.NONE
    missing: Sequence[str] = ()


@dataclass(frozen=True)
class Written:
    """The result of writing a piece.

    Attributes:
        rejections: The refused rows.
        keys: The fingerprints of the other rows' keys, uint64.
    """

    rejections: Rejections
    keys: np.ndarray


def write_piece(piece: Piece, form: Form, examples: Path, rejected: Path) -> Written:
    """Writes a file in `<examples>/Split-<name>/` for each split, and refused rows separately.

    Args:
        piece: The rows.
        form: The form of the examples.
        examples: The folder of the splits' folders.
        rejected: The folder for refused rows, each with its reason.
    """
    found, keys = Rejections(), []
    aside = Aside(rejected, piece.number)
    with ExitStack() as stack:
        files = [
            stack.enter_context(open_file(path, form.compression))
            for path in _paths(piece.number, form, examples)
        ]
        for row, batch in piece.numbered():
            lists, hashes, refusals = _convert(batch, form)
            found.add(piece.file, row, refusals)
            aside.add(piece.file, row, batch, refusals)
            keys.append(hashes)
            _append(files, lists, assign_splits(hashes, form.splits))
    aside.close()
    return Written(found, np.concatenate([np.array([], np.uint64), *keys]))


def file_name(number: int, form: Form, of: int | None = None) -> str:
    """Returns the name of a piece's file; the total number is only known at the end."""
    total = "unknown" if of is None else f"{of:05d}"
    return f"data_tfrecord-{number:05d}-of-{total}{form.compression.suffix}"


def split_folders(form: Form, examples: Path) -> list[Path]:
    """Returns the folder of each split, in order."""
    return [examples / f"Split-{name}" for name in form.splits]


def to_lists(columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """Wraps each value in a list for the encoder; null becomes a missing feature."""
    return pa.RecordBatch.from_arrays(
        [_to_list(column) for column in columns.values()], names=list(columns)
    )


def _paths(number: int, form: Form, examples: Path) -> list[Path]:
    return [folder / file_name(number, form) for folder in split_folders(form, examples)]


def _append(files: Sequence[RecordFile], lists: pa.RecordBatch, assigned: np.ndarray) -> None:
    """Encodes rows, and writes each to the file of its split."""
    encoder = RecordBatchToExamplesEncoder()
    for start in range(0, lists.num_rows, ENCODED_ROWS):
        records = encoder.encode(lists.slice(start, ENCODED_ROWS))
        splits = assigned[start : start + ENCODED_ROWS]
        for index, file in enumerate(files):
            chosen = list(compress(records, (splits == index).tolist()))
            file.write(b"".join(frame(chosen)))


def _convert(batch: pa.RecordBatch, form: Form) -> tuple[pa.RecordBatch, np.ndarray, list[Refusal]]:
    """Returns the good rows as lists, the fingerprints of their keys, and the refusals."""
    columns, refusals = coerce(batch, form.columns, ("", *form.missing))
    keys = columns.get(form.key, pa.nulls(batch.num_rows, pa.binary()))
    refusals += _without_key(keys, form.key)
    if refusals:
        good = np.ones(batch.num_rows, bool)
        good[[refusal.row for refusal in refusals]] = False
        keep = pa.array(good)
        columns = {name: column.filter(keep) for name, column in columns.items()}
        keys = keys.filter(keep)
    return to_lists(columns), fingerprints(keys), refusals


def _without_key(keys: pa.Array, name: str) -> list[Refusal]:
    """Refuses rows without a key, whose split could not be repeated."""
    refusals = []
    for row in np.flatnonzero(~is_key(keys)):
        value = keys[int(row)].as_py()
        reason = "is missing" if value is None else "is not UTF-8 without zero bytes"
        refusals.append(
            Refusal(int(row), name, str(value or ""), f"{reason}, and is the row's key")
        )
    return refusals


def _to_list(column: pa.Array) -> pa.Array:
    present = column.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(present)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), column.drop_null(), mask=pa.array(~present))
