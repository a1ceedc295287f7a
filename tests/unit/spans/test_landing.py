"""Upstream files become spans as they are, unless they are no tables at all."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.errors import DataError
from evergreen.spans import Format, Span, land
from evergreen.spans.delivery import Dialect
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


@pytest.mark.parametrize("time", [b"noon", b"", b"1357000200000", b"0x10", b"1_0"])
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
        ("a,b\n1,2\n".encode("utf-16"), "t.csv", "is text in UTF-16, not CSV in UTF-8"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "t.csv", "row 3: bad quoting"),
        (b"a,a\n1,2\n", "t.csv", "more than one column named 'a'"),
        (b"a,b\n1,2\n", "t.xls", "unknown extension '.xls'"),
        (b"a,b\n1,2\n", "t", "unknown extension ''"),
        (b"a,b\n1,2\n", "t.parquet", "is not a Parquet table"),
        (b"a;b\n1,5;2\n", "t.csv", "row 1: the header is one column, 'a;b': .* by semicolons"),
        (b'"a";"b"\n1,5;2\n', "t.csv", "row 1: the header is one column, .* by semicolons"),
        (b"a\tb\n1\t2\n", "t.csv", "separated by tabs, not by commas"),
        (b"a,b\n1,2\n", "t.tsv", "separated by commas, not by tabs"),
        ("a,b\n1,2\n".encode("utf-16-le"), "t.csv", "row 1: the header has zero bytes"),
        (b"PAR1", "t.csv", "is Parquet, not CSV"),
        (b"PK\x03\x04..", "t.csv", "is a zip archive"),
        (b"\x1f\x8b\x08\x00cut", "t.csv.gz", "is damaged gzip"),
        (b"a,b\n1,2\n", "t.gz", "unknown extension '.gz'"),
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


CSV = b"time,fare,company\n1,2.5,Blue\n3,,\n"
TABLE = pa.table({"time": ["1", "3"], "fare": ["2.5", None], "company": ["Blue", None]})


def landed(root: Path, source: Path, dialect: Dialect | None = None) -> pa.Table:
    given = {"dialect": dialect} if dialect else {}
    span = land(root / "spans", source, 1, key_column="id", timestamp_column="time", **given)
    read = read_csv_text if span.format is Format.CSV else pq.read_table
    return read(span.files[0]).drop_columns("id")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("trips.csv.gz", gzip.compress(CSV, mtime=0)),
        ("TRIPS.CSV.GZ", gzip.compress(CSV, mtime=0)),
        ("trips.2017.csv", CSV),
        ("trips.tsv", CSV.replace(b",", b"\t")),
        ("Trips.TSV.gz", gzip.compress(CSV.replace(b",", b"\t"), mtime=0)),
    ],
)
def test_endings_and_compression_do_not_matter(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert landed(tmp_path, tmp_path / name).equals(TABLE)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_told(tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "trips.csv"
    file.write_bytes(CSV.replace(b",", delimiter.encode()))
    with pytest.raises(DataError, match="the header is one column") as refusal:
        landed(tmp_path, file)
    assert "--delimiter" in refusal.value.hint
    assert landed(tmp_path, file, Dialect(delimiter)).equals(TABLE)


def test_decimal_commas_become_points_in_numbers_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "trips.csv"
    file.write_text("time;fare;company\n1;-2,5;1,5\n3;1,25e3;\n4;7;a.b\n5;far;x\n")
    table = landed(tmp_path, file, Dialect(";", ",", {"fare", "time"}))
    assert table["fare"].to_pylist() == ["-2.5", "1.25e3", "7", "far"]
    assert table["company"].to_pylist() == ["1,5", None, "a.b", "x"]
    file.write_text("time;fare;company\n1;2,5;x\n3;1.234;\n")
    with pytest.raises(DataError, match=r"row 3, column fare: '1.234' has a point"):
        landed(tmp_path, file, Dialect(";", ",", {"fare"}))


def test_a_folder_as_spark_writes_it_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "trips.parquet"
    for at, key in enumerate(["day=2017-01-01", "day=a%20b", "day=__HIVE_DEFAULT_PARTITION__"]):
        part = folder / key / f"part-0000{at}.snappy.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(pa.table({"time": [at], "fare": [0.5]}), part)
        part.with_name(f".{part.name}.crc").write_bytes(b"crc")
    empty = folder / "day=z" / "part-00003.parquet"
    empty.parent.mkdir()
    pq.write_table(pa.table({"time": pa.array([], pa.int64()), "fare": pa.array([], "f8")}), empty)
    (folder / "_SUCCESS").touch()
    (folder / "._SUCCESS.crc").touch()
    (folder / "_metadata").write_bytes(b"x")
    table = landed(tmp_path, folder).sort_by("time")
    assert table.to_pydict() == {
        "time": [0, 1, 2], "fare": [0.5] * 3, "day": ["2017-01-01", "a b", None],
    }  # fmt: skip


def test_a_folder_of_csv_parts_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "trips"
    folder.mkdir()
    (folder / "part-0.csv").write_bytes(CSV)
    (folder / "part-1.csv.gz").write_bytes(gzip.compress(CSV, mtime=0))
    (folder / "part-2.csv").write_bytes(b"time,fare,company\n")
    assert landed(tmp_path, folder).equals(pa.concat_tables([TABLE, TABLE]).combine_chunks())


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "holds no data files"),
        ({"_SUCCESS": b""}, "holds no data files"),
        ({"a.csv": CSV, "_temporary/b.csv": CSV}, "its writer has not finished"),
        ({"a.csv": CSV, "b.parquet": b"PAR1"}, "files of two kinds: b.parquet and a.csv"),
        ({"a.csv": CSV, "notes.txt": b"x"}, "notes.txt has an unknown extension"),
        ({"a.csv": CSV, "b.csv": b"time,fare\n1,2\n"}, "b.csv has other columns .* 'company'"),
        ({"a.csv": CSV, "b.csv": b"time,fare,company\n1\n"}, "b.csv, row 2: 1 fields"),
        ({"a.csv": b"time,fare\n", "b.csv": b"time,fare\n"}, "trips has a header and no rows"),
        ({"fare=1/a.csv": CSV}, "has a column 'fare', and is in a folder for it"),
    ],
)
def test_a_folder_that_is_no_table_is_refused_by_name(
    tmp_path: Path, files: dict[str, bytes], problem: str
) -> None:
    (tmp_path / "trips").mkdir()
    for name, data in files.items():
        (tmp_path / "trips" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "trips" / name).write_bytes(data)
    with pytest.raises(DataError, match=problem) as refusal:
        landed(tmp_path, tmp_path / "trips")
    assert refusal.value.hint
    assert not (tmp_path / "spans").exists()


def test_parts_of_other_types_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "trips").mkdir()
    for name, value in (("a", 1), ("b", 1.5)):
        pq.write_table(pa.table({"fare": [value]}), tmp_path / "trips" / f"{name}.parquet")
    with pytest.raises(DataError, match=r"b.parquet has other .* 'fare' is double, not int64"):
        landed(tmp_path, tmp_path / "trips")


def test_the_time_range_is_read_from_moments_of_every_type(deliver: Deliver) -> None:
    for moment in (pd.Timestamp("2017-01-31T12:00"), pd.Timestamp("2017-01-31T12:00", tz="CET")):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"time": pa.array([moment])}), sink)
        times = deliver(sink.getvalue().to_pybytes(), "trips.parquet").manifest.time_range
        assert times
        assert times.start == (moment if moment.tz else moment.tz_localize("UTC"))


REFUSE = """
import sys
from pathlib import Path
from evergreen.errors import DataError
from evergreen.spans.tables import read_csv_text, read_parquet
file = Path(sys.argv[1])
try:
    (read_parquet if file.suffix == ".parquet" else read_csv_text)(file)
except DataError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.parametrize("name", ["none.parquet", "ragged.csv"])
def test_a_process_that_refuses_a_file_ends_as_it_says(tmp_path: Path, name: str) -> None:
    """Threads of Arrow's readers held bytes of Python's at the end of it, and were ended in C++."""
    file = tmp_path / name
    if file.suffix == ".parquet":
        pq.write_table(pa.table({"id": pa.array([], pa.int64()), "fare": pa.array([], "f8")}), file)
    else:
        file.write_text("a,b,c\n1,2,3\n1,2\n")
    command = [sys.executable, "-c", REFUSE, str(file)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    for process in started:
        said = process.communicate(timeout=120)[1]
        assert (process.returncode, said.startswith("refused: ")) == (1, True), said


@pytest.mark.parametrize("unit", [1_000, 1_000_000, 1_000_000_000, -(10**9)])
def test_times_beyond_the_calendar_land_without_a_range(deliver: Deliver, unit: int) -> None:
    """The data gate refuses them, with a report."""
    span = deliver(f"time,fare\n{1_357_000_200 * unit},5\n{1_357_000_300 * unit},6\n".encode())
    assert span.manifest.time_range is None
