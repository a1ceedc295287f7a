"""The flights of the package, by month in New York."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.arrivals import SCHEMA_PATH, TIMESTAMP_COLUMN, ZONE
from data.arrivals.spans import cut, read_flights
from evergreen.quality.schema import column_kinds, load_curated
from evergreen.spans import Period, Span


@pytest.fixture(scope="module")
def flights() -> pa.Table:
    return read_flights()


@pytest.fixture(scope="module")
def spans(flights: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> list[Span]:
    """The spans of every fiftieth flight."""
    folder = tmp_path_factory.mktemp("flights")
    few = flights.take(pa.array(range(0, flights.num_rows, 50)))
    pq.write_table(few, folder / "flights.parquet")
    return cut(folder / "flights.parquet", folder / "spans", Period.MONTH)


def test_all_flights_of_the_year_are_read(flights):
    assert flights.num_rows == 336_776
    # Cancelled flights have no delays, and diverted ones none at arrival.
    assert (flights["dep_delay"].null_count, flights["arr_delay"].null_count) == (8255, 9430)


def test_each_month_of_new_york_is_a_span(spans):
    assert [span.number for span in spans] == list(range(1, 13))
    assert sum(span.manifest.rows for span in spans) == 6736
    march = spans[2].manifest.period
    assert march.start == datetime(2013, 3, 1, tzinfo=ZoneInfo(ZONE))
    assert march.end == datetime(2013, 4, 1, tzinfo=ZoneInfo(ZONE))
    assert (march.end - march.start).total_seconds() == 31 * 86_400 - 3600  # summer time began


def test_the_scheduled_departure_is_the_one_of_the_table(flights):
    assert flights.schema.field(TIMESTAMP_COLUMN).type == pa.timestamp("s", "UTC")
    first = flights[TIMESTAMP_COLUMN][0].as_py()
    assert first == datetime(2013, 1, 1, 5, 15, tzinfo=ZoneInfo(ZONE))


def test_the_schema_describes_the_columns(spans):
    columns = set(pq.read_schema(spans[0].files[0]).names)
    assert set(column_kinds(load_curated(SCHEMA_PATH))) == columns
