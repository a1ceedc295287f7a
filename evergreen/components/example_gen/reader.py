"""Reads the files of a span as a stream of Arrow record batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from evergreen.spans.tables import MAX_ROW_BYTES

BATCH_ROWS = 65_536
BLOCK_BYTES = 8 << 20
PIECE_ROWS = 131_072


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of one file, which are encoded together into one file per split.

    Attributes:
        number: Its number over all files of the span, from 0. It depends only on the files.
        file: The file's name.
        first_row: The number of its first row in the file, from 1.
        batches: The rows.
    """

    number: int
    file: str
    first_row: int
    batches: tuple[pa.RecordBatch, ...]

    def numbered(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yields the batches, each with the number of its first row."""
        row = self.first_row
        for batch in self.batches:
            yield row, batch
            row += batch.num_rows


def read_pieces(files: Iterable[Path]) -> Iterator[Piece]:
    """Yields all rows of files, in order, about 131,072 at a time."""
    number = 0
    for file in files:
        row = 1
        for batches in _grouped(read_batches(file)):
            yield Piece(number, file.name, row, batches)
            number += 1
            row += sum(batch.num_rows for batch in batches)


def read_batches(file: Path) -> Iterator[pa.RecordBatch]:
    """Yields the record batches of a file, in order.

    CSV columns are read as strings, so that values that do not fit can be reported by row; empty
    fields are null. Parquet columns keep their types.

    Args:
        file: A file ending in `.csv` or `.parquet`.
    """
    if file.suffix == ".parquet":
        with pq.ParquetFile(file) as parquet:
            yield from parquet.iter_batches(batch_size=BATCH_ROWS)
    else:
        yield from _read_csv(file)


def _grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, ...]]:
    group: list[pa.RecordBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(batch.num_rows for batch in group) >= PIECE_ROWS:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _read_csv(file: Path) -> Iterator[pa.RecordBatch]:
    """Reads in small blocks, and in blocks that hold any row once a row is longer."""
    done = 0
    try:
        for batch in _blocks(file, BLOCK_BYTES):
            yield batch
            done += batch.num_rows
    except pa.ArrowInvalid as error:
        if "block" not in str(error):
            raise
        for batch in _blocks(file, MAX_ROW_BYTES):
            if batch.num_rows > done:
                yield batch.slice(done)
            done = max(done - batch.num_rows, 0)


def _blocks(file: Path, size: int) -> Iterator[pa.RecordBatch]:
    blocks = pcsv.ReadOptions(block_size=size)
    with pcsv.open_csv(file, read_options=blocks) as header:
        names = header.schema.names
    with pcsv.open_csv(
        file,
        read_options=blocks,
        parse_options=pcsv.ParseOptions(newlines_in_values=True),
        convert_options=pcsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    ) as batches:
        yield from batches
