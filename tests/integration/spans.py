"""Spans that the data gate has something to say about, made of the real trips.

Usage: python -m tests.integration.spans evening|broken FILE.parquet
"""

import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.taxi.source import read_source, sample_path

BARTER_ROWS, FAR_ROWS = 7, 3
EVENING = 18
Y2015, Y2016 = 1_420_070_400, 1_451_606_400


def evening() -> pa.Table:
    """Trips of 2015 that start at six or later: valid, but another distribution of hours."""
    trips = _trips(Y2015, Y2016)
    return trips.filter(pc.greater_equal(trips["trip_start_hour"], EVENING))


def broken() -> pa.Table:
    """Trips of 2016 with a renamed column, an unknown category, and text where numbers belong."""
    trips = _trips(Y2016, 2 * Y2016)
    payments, miles = trips["payment_type"].to_pylist(), trips["trip_miles"].to_pylist()
    payments[:BARTER_ROWS] = ["Barter"] * BARTER_ROWS
    texts = [None if value is None else str(value) for value in miles]
    texts[100 : 100 + FAR_ROWS] = ["far"] * FAR_ROWS
    names = ["fare_usd" if name == "fare" else name for name in trips.column_names]
    spoilt = trips.rename_columns(names).drop_columns(["payment_type", "trip_miles"])
    return spoilt.append_column("payment_type", pa.array(payments)).append_column(
        "trip_miles", pa.array(texts)
    )


def _trips(start: int, end: int) -> pa.Table:
    trips = read_source(sample_path())
    times = trips["trip_start_timestamp"]
    return trips.filter(pc.and_(pc.greater_equal(times, start), pc.less(times, end)))


if __name__ == "__main__":
    kind, file = sys.argv[1:]
    pq.write_table({"evening": evening, "broken": broken}[kind](), file)
