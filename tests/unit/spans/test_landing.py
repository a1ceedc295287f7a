"""Upstream files become spans as they are, unless they are no tables at all."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.errors import DataError
from evergreen.spans import Format, Span, land
from evergreen.spans.tables import read_csv_text

Deliver = Callable[..., Span]


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Writes bytes to a file and lands it as span 1."""

    def deliver(data: bytes, name: str = "trips.csv") -> Span:
        path = tmp_path / name
        path.write_bytes(data)
        return land(tmp_path / "spans", path, 1, key_column="id", timestamp_column="time")

    return deliver


HOSTILE = (
    b'\xef\xbb\xbftime,fare,"a ""b"",c"\r\n'
    b'1357000200, 007 ,"say ""hi"", ok"\r\n'
    b'1357000300,abc,"two\r\nlines"\r\n'
    b'\r\n1357000100,,""\r\n'
    b"1357000100,1e3,caf\xc3\xa9 \xe2\x82\xac"
)


def test_a_hostile_csv_lands_to_the_letter(deliver: Deliver) -> None:
    span = deliver(HOSTILE)
    landed = read_csv_text(span.files[0]).to_pydict()
    assert len(set(landed.pop("id"))) == span.rows == 4
    assert landed == {
        "time": ["1357000200", "1357000300", "1357000100", "1357000100"],
        "fare": [" 007 ", "abc", None, "1e3"],
        'a "b",c': ['say "hi", ok', "two\r\nlines", "", "café €"],
    }
    time_range = span.manifest.time_range
    assert time_range
    assert time_range.model_dump_json() == (
        '{"start":"2013-01-01T00:28:20Z","end":"2013-01-01T00:31:40Z"}'
    )
    assert span.format is Format.CSV


def test_landing_twice_gives_one_version(deliver: Deliver) -> None:
    assert deliver(HOSTILE) == deliver(HOSTILE)


def test_line_ends_do_not_matter_to_the_content(deliver: Deliver) -> None:
    assert deliver(b"time,fare\n1,2\n3,4").sha256 == deliver(b"time,fare\r\n1,2\r\n3,4\r\n").sha256


def test_parquet_keeps_its_types(deliver: Deliver) -> None:
    table = pa.table(
        {
            "time": pa.array([1, None], pa.int32()),
            "fare": pa.array(["x", "1"]),
            "tags": pa.array([["a"], []], pa.list_(pa.string())),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    span = deliver(sink.getvalue().to_pybytes(), "trips.PARQUET")
    landed = pq.read_table(span.files[0])
    assert landed.drop_columns("id").equals(table)
    assert span.manifest.columns[-1].name == "id"


def test_keys_that_come_with_the_file_are_kept(deliver: Deliver) -> None:
    span = deliver(b"id,time\nmine,5\n")
    assert read_csv_text(span.files[0])["id"].to_pylist() == ["mine"]


@pytest.mark.parametrize("time", [b"noon", b"", b"1357000200000", b"1.5"])
def test_a_time_that_cannot_be_read_leaves_the_range_open(deliver: Deliver, time: bytes) -> None:
    assert deliver(b"fare,time\n1," + time + b"\n").manifest.time_range is None


def test_a_renamed_time_column_leaves_the_range_open(deliver: Deliver) -> None:
    assert deliver(b"fare,Time\n1,2\n").manifest.time_range is None


@pytest.mark.parametrize(
    ("data", "name", "problem"),
    [
        (b"", "t.csv", "is empty"),
        (b"\n\n", "t.csv", "is not a CSV table"),
        (b"a,b\n", "t.csv", "has a header and no rows"),
        (b"a,b\n1,2\n3\n", "t.csv", "row 3: 1 fields where the header has 2"),
        (b"a,b\n1,2\n3,4,5\n6\n", "t.csv", "row 3: 3 fields .* and 1 more such rows"),
        (b"a,b\n1,2\n3,\xff\n", "t.csv", r"byte 10 \(line 3\) is not UTF-8: 0xff"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv", r"byte 0 \(line 1\) is not UTF-8"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "t.csv", "row 3: bad quoting"),
        (b"a,a\n1,2\n", "t.csv", "more than one column named 'a'"),
        (b"a,b\n1,2\n", "t.xls", "unknown extension '.xls'"),
        (b"a,b\n1,2\n", "t", "unknown extension ''"),
        (b"a,b\n1,2\n", "t.parquet", "is not a Parquet table"),
    ],
)
def test_what_is_no_table_is_refused_and_leaves_nothing(
    deliver: Deliver, tmp_path: Path, data: bytes, name: str, problem: str
) -> None:
    with pytest.raises(DataError, match=problem) as refusal:
        deliver(data, name)
    assert str(tmp_path / name) in str(refusal.value)
    assert refusal.value.hint
    assert not (tmp_path / "spans").exists()


def test_parquet_that_is_cut_off_or_has_no_rows_is_refused(deliver: Deliver) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), sink)
    data = sink.getvalue().to_pybytes()
    with pytest.raises(DataError, match="no rows"):
        deliver(data, "t.parquet")
    with pytest.raises(DataError, match="is not a Parquet table"):
        deliver(data[:-10], "t.parquet")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        land(tmp_path / "spans", tmp_path / "no.csv", 1, key_column="id")
