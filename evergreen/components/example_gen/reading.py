"""Reads the files of a span as a stream of Arrow record batches."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from evergreen.spans.tables import MAX_ROW_BYTES

BATCH_ROWS = 65_536


def read_batches(file: Path) -> Iterator[pa.RecordBatch]:
    """Yields the record batches of a file, in order.

    CSV columns come as strings, so that what does not fit a type can be told by row; an empty field
    is null. Parquet columns come with the types they have.

    Args:
        file: A file ending in `.csv` or `.parquet`.
    """
    if file.suffix == ".parquet":
        with pq.ParquetFile(file) as parquet:
            yield from parquet.iter_batches(batch_size=BATCH_ROWS)
    else:
        yield from _read_csv(file)


def _read_csv(file: Path) -> Iterator[pa.RecordBatch]:
    blocks = pcsv.ReadOptions(block_size=MAX_ROW_BYTES)
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
