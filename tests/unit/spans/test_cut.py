"""Tables are cut by the calendar of a time zone; without a time they are one span."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.spans import Period, cut_table

JULY_IN_BERLIN = int(datetime(2023, 6, 30, 22, 30, tzinfo=UTC).timestamp())


def test_a_month_begins_at_midnight_of_the_zone(tmp_path: Path) -> None:
    rows = pa.table({"at": [JULY_IN_BERLIN - 7200, JULY_IN_BERLIN]})
    in_utc = cut_table(rows, tmp_path / "utc", Period.MONTH, key="id", timestamp="at")
    assert [span.rows for span in in_utc] == [2]
    there = cut_table(
        rows, tmp_path / "berlin", Period.MONTH, key="id", timestamp="at", zone="Europe/Berlin"
    )
    assert [span.rows for span in there] == [1, 1]
    assert there[1].manifest.period.start == datetime(2023, 6, 30, 22, tzinfo=UTC)


def test_without_a_time_all_rows_are_span_one(tmp_path: Path) -> None:
    rows = pa.table({"x": [3, 1, 2]})
    [span] = cut_table(rows, tmp_path, Period.YEAR, key="id", timestamp=None)
    assert (span.number, span.manifest.period, span.manifest.time_range) == (1, None, None)
    turned = rows.take([2, 0, 1])
    assert cut_table(turned, tmp_path, Period.YEAR, key="id", timestamp=None) == [span]


def test_keys_of_the_table_are_kept(tmp_path: Path) -> None:
    rows = pa.table({"x": [1, 2], "id": ["b", "a"]})
    [span] = cut_table(rows, tmp_path, Period.YEAR, key="id", timestamp=None)
    assert pq.read_table(span.files[0])["id"].to_pylist() == ["a", "b"]
