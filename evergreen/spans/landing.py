"""Landing: an upstream file becomes a span as it is.

Whether its content is any good (renamed columns, unknown categories, text where numbers belong) is
for the data gate to say, with a report; only what is no table at all is refused here.
"""

from pathlib import Path

from evergreen.errors import DataError
from evergreen.spans.keys import add_row_keys
from evergreen.spans.layout import Span
from evergreen.spans.manifest import Format
from evergreen.spans.publish import publish_version
from evergreen.spans.tables import read_csv_text, read_parquet

_READERS = {Format.CSV: read_csv_text, Format.PARQUET: read_parquet}


def land(
    root: Path,
    source_file: Path,
    number: int,
    *,
    key_column: str,
    timestamp_column: str | None = None,
) -> Span:
    """Publishes an upstream file as a version of a span, in the file's own format.

    Columns, their order and their values are kept: CSV text to the letter, Parquet by type. Row
    keys are appended where the file has none.

    Args:
        root: Folder of the spans, created if absent.
        source_file: A `.csv` or `.parquet` file.
        number: Span number, 1 to 99999.
        key_column: Name of the row-key column.
        timestamp_column: Column to take the manifest's time range from, if it can be read.

    Returns:
        The new version, or the one that already has this content.

    Raises:
        DataError: The file is missing, of another kind, empty, or not a table. Nothing is written.
    """
    suffix = source_file.suffix.lower().removeprefix(".")
    if suffix not in list(Format):
        raise DataError(
            f"{source_file} has an unknown extension {source_file.suffix!r}",
            hint="Deliver a .csv or a .parquet file.",
        )
    fmt = Format(suffix)
    table = _READERS[fmt](source_file)
    if key_column not in table.column_names:
        table = add_row_keys(table, key_column)
    return publish_version(root, number, table, fmt, timestamp_column=timestamp_column)
