"""Cuts the penguins of the package palmerpenguins into spans by the year of their study."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv

from data.penguins import KEY_COLUMN, TIMESTAMP_COLUMN
from evergreen.spans import Format, Period, Span, cut_table, packaged_file
from evergreen.spans.source import read_rows, seconds

PACKAGE = "palmerpenguins"
NULLS = pcsv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)


def cut(
    source: Path | None,
    root: Path,
    period: Period,
    file_format: Format = Format.PARQUET,
) -> list[Span]:
    """Publishes one span for each calendar period (UTC) that has penguins.

    Args:
        source: A file with the columns of `read_penguins`; None for the penguins of the package.
        root: Folder of the spans, created if absent.
        period: The length of a span.
        file_format: The format of the files.

    Returns:
        The spans, by number.

    Raises:
        DataError: If the source cannot be read, or the root holds spans of other periods. Nothing
            is written then.
    """
    table = read_rows(source, moments=[TIMESTAMP_COLUMN]) if source else read_penguins()
    return cut_table(table, root, period, file_format, key=KEY_COLUMN, timestamp=TIMESTAMP_COLUMN)


def read_penguins() -> pa.Table:
    """Reads the package's penguins: species, measures, island, sex, and the day of their egg.

    The package ships the measures in two files with the same rows; only the raw one has the day,
    which becomes seconds since 1970.

    Raises:
        DataError: If the package is not installed.
    """
    measures, raw = (
        pcsv.read_csv(packaged_file(PACKAGE, f"data/{name}.csv"), convert_options=NULLS)
        for name in ("penguins", "penguins-raw")
    )
    day = seconds(raw["Date Egg"].combine_chunks(), "penguins-raw.csv, column Date Egg")
    return measures.drop_columns(["year"]).append_column(TIMESTAMP_COLUMN, day)
