"""Cuts the taxi sample into spans by calendar period."""

from pathlib import Path

from data.taxi import KEY_COLUMN, TIMESTAMP_COLUMN
from data.taxi.source import read_source, sample_path
from evergreen.spans import Format, Period, Span, cut_table


def cut(
    source: Path | None,
    root: Path,
    period: Period,
    file_format: Format = Format.PARQUET,
) -> list[Span]:
    """Publishes one span for each calendar period (UTC) that has trips.

    Args:
        source: CSV file of trips; None for the sample that ships with TFX.
        root: Folder of the spans, created if absent.
        period: The length of a span.
        file_format: The format of the files.

    Returns:
        The spans, by number.

    Raises:
        DataError: If the source is malformed, or the root holds spans of other periods. Nothing is
            written then.
    """
    trips = read_source(source or sample_path())
    return cut_table(trips, root, period, file_format, key=KEY_COLUMN, timestamp=TIMESTAMP_COLUMN)
