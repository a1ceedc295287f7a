"""Landing: turns an upstream file into a span without changing it.

Refuses only files that are not tables. The data gate judges the content (renamed columns, unknown
categories, text where numbers belong), and writes a report.
"""

from pathlib import Path

from evergreen.spans.delivery import Dialect, read_delivery
from evergreen.spans.keys import add_row_keys
from evergreen.spans.layout import Span
from evergreen.spans.publish import publish_version


def land(
    root: Path,
    source: Path,
    number: int,
    *,
    key_column: str,
    timestamp_column: str | None = None,
    dialect: Dialect = Dialect(),  # noqa: B008 - frozen
) -> Span:
    """Publishes an upstream file as a version of a span, in the file's own format.

    Columns, their order and their values are kept: CSV as text, Parquet with its types. Row keys
    are appended to files without them.

    Args:
        root: Folder of the spans, created if absent.
        source: A file that ends in `.csv`, `.tsv` (also `.gz`) or `.parquet`, or a folder of them.
        number: Span number, 1 to 99999.
        key_column: Name of the row-key column.
        timestamp_column: Column to take the manifest's time range from, if it can be read.
        dialect: The notation of the CSV; it is landed with commas and decimal points.

    Returns:
        The new version, or the one that already has this content.

    Raises:
        DataError: The file is missing, of another kind, empty, or not a table. Nothing is written.
    """
    table, fmt = read_delivery(source, dialect)
    if key_column not in table.column_names:
        table = add_row_keys(table, key_column)
    return publish_version(root, number, table, fmt, timestamp_column=timestamp_column)
