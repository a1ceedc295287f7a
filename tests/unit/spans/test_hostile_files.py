"""Hostile files are refused in words, or land to the letter; never a traceback, nothing left."""

import csv
import gzip
import io
import math
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.components.example_gen.reader import read_batches
from evergreen.errors import DataError
from evergreen.quality.columns import coerce
from evergreen.spans import Format, Span, land, read_span
from evergreen.spans.tables import MAX_ROW_BYTES, read_csv_text
from tests.fuzzing import cases

KINDS = {"id": "BYTES", "fare": "FLOAT", "hour": "INT", "time": "INT"}
CELLS = [
    "1", "-2.5", "", '""', "NA", "1_0", "٣", "0x1F", "1e400", "nan", "inf", "007", " 7 ", "true",
    "9223372036854775808", "1" * 400, '"a,b"', '"two\nlines"', '"say ""hi"""', "é€", "a;b", "a\tb",
    "2016-01-31", "x" * 70_000, "'", "=1+1", "\x0b", "\u2028", "\ufeff", "\x7f", '"', '"open',
    'a"b', "\\", "#010150", "-", "null",
]  # fmt: skip
HEADERS = [
    "id",
    "fare",
    "hour",
    "time",
    "",
    "fare",
    " fare",
    '"a ""b"""',
    "1",
    "id ",
    "é",
    "\ufeffid",
]
ENDS = ["\n", "\r\n", "\r", "\n\n", ""]
ENCODINGS = ["utf-8"] * 8 + ["utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32"]
TYPES = [
    pa.int8(), pa.uint64(), pa.int64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(),
    pa.string(), pa.large_string(), pa.binary(), pa.binary(16), pa.binary(3), pa.date32(),
    pa.date64(), pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us", "Europe/Berlin"),
    pa.timestamp("ns"), pa.time32("ms"), pa.time64("ns"), pa.duration("us"), pa.decimal128(38, 9),
    pa.decimal256(76, 0), pa.null(), pa.list_(pa.int64()), pa.struct([("a", pa.int64())]),
    pa.map_(pa.string(), pa.int64()), pa.dictionary(pa.int8(), pa.string()),
]  # fmt: skip


def csv_file(draw: random.Random) -> bytes:
    """A table of hostile cells, with rows of any length, in some encoding, perhaps cut."""
    width = draw.randrange(1, 5)
    delimiter = draw.choice(",,,,;\t|")
    lines = [delimiter.join(draw.sample(HEADERS, width))]
    for _ in range(draw.randrange(5)):
        fields = width if draw.random() < 0.8 else draw.randrange(7)
        lines.append(delimiter.join(draw.choices(CELLS, k=fields)))
    text = "".join(line + draw.choice(ENDS[:3]) for line in lines[:-1])
    data = (text + lines[-1] + draw.choice(ENDS)).encode(draw.choice(ENCODINGS), "replace")
    return spoilt(draw, data)


def parquet_file(draw: random.Random) -> bytes:
    rows = draw.randrange(4)
    names = draw.choices(
        ["id", "fare", "hour", "time", "", "__index_level_0__", "é"], k=draw.randrange(5)
    )
    columns = [column(draw, draw.choice(TYPES), rows) for _ in names]
    sink = pa.BufferOutputStream()
    table = pa.Table.from_arrays(columns, names=names)
    pq.write_table(table, sink, use_deprecated_int96_timestamps=draw.random() < 0.1)
    return spoilt(draw, sink.getvalue().to_pybytes())


def column(draw: random.Random, type_: pa.DataType, rows: int) -> pa.Array:
    """Values of any bits, where the type has a fixed width; else short ones, and nulls."""
    if pa.types.is_integer(type_) or (pa.types.is_temporal(type_) and type_ != pa.date64()):
        width = type_.bit_width // 8
        bits = [
            draw.choice([bytes(width), b"\xff" * width, draw.randbytes(width)]) for _ in range(rows)
        ]
        return pa.Array.from_buffers(type_, rows, [None, pa.py_buffer(b"".join(bits))])
    return pa.array([value(draw, type_) for _ in range(rows)], type_)


def value(draw: random.Random, type_: pa.DataType) -> object:
    if pa.types.is_fixed_size_binary(type_):
        return draw.randbytes(type_.byte_width)
    if pa.types.is_binary(type_):
        return draw.randbytes(draw.randrange(9))
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return draw.choice([*CELLS, "\0", None])
    if type_ in {pa.float32(), pa.float64()}:
        return draw.choice([0.0, -0.0, 1e300, math.nan, math.inf, None, 7.0, 2.0**63])
    if pa.types.is_decimal(type_):
        return draw.choice([Decimal(7), Decimal(0), Decimal(10**20), None])
    return draw.choice([[], [1, 2], None]) if pa.types.is_list(type_) else None


def spoilt(draw: random.Random, data: bytes) -> bytes:
    kind = draw.randrange(12)
    if kind == 0:
        return data[: draw.randrange(len(data) + 1)]
    if kind == 1 and data:
        at = draw.randrange(len(data))
        return data[:at] + draw.randbytes(draw.randrange(1, 5)) + data[at + draw.randrange(4) :]
    if kind == 2:
        return gzip.compress(data, mtime=0)[: draw.randrange(10, 400)]
    if kind == 3:
        return gzip.compress(data, mtime=0)
    return data


@pytest.fixture(autouse=True)
def long_fields() -> Iterator[None]:
    """Lets Python's own reader take fields as long as landing does."""
    limit = csv.field_size_limit(MAX_ROW_BYTES)
    yield
    csv.field_size_limit(limit)


@pytest.mark.fuzz
@pytest.mark.parametrize("suffix", ["csv", "parquet", "tsv", "csv.gz"])
def test_hostile_files_land_to_the_letter_or_are_refused_in_words(
    tmp_path: Path, suffix: str
) -> None:
    draw, taken, file = random.Random(suffix), 0, tmp_path / f"trips.{suffix}"
    for case in range(cases(500)):
        make = parquet_file if suffix == "parquet" else csv_file
        file.write_bytes(data := make(draw))
        root = tmp_path / f"spans-{case}"
        span = landed(root, file)
        if isinstance(span, DataError):
            assert str(file) in str(span), data
            assert span.hint, data
            assert not root.exists() or not list(root.glob("span-*")), data
            continue
        taken += 1
        assert read_span(span.path).rows == span.rows
        if span.format is Format.CSV:
            assert_to_the_letter(file, data, read_csv_text(span.files[0]))
        assert_read(span.files[0])
    assert taken > cases(500) / 20


def landed(root: Path, file: Path) -> Span | DataError:
    try:
        return land(root, file, 1, key_column="id", timestamp_column="time")
    except DataError as refusal:
        return refusal


def assert_to_the_letter(file: Path, data: bytes, landed: pa.Table) -> None:
    """Python's own reader finds the same fields in what was delivered."""
    plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    text = plain.decode("utf-8-sig")
    delimiter = "\t" if ".tsv" in file.name else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    [header, *found] = [row for row in rows if row]
    for at, name in enumerate(header):
        written = [row[at] for row in found]
        read = landed[name].to_pylist()
        assert [cell or "" for cell in read] == written, data


def assert_read(file: Path) -> None:
    """Ingestion reads what was landed: each value is of its type, missing, or refused."""
    for batch in read_batches(file):
        columns, refusals = coerce(batch, KINDS, ("",))
        assert all(refusal.reason and refusal.row < batch.num_rows for refusal in refusals)
        for name, column in columns.items():
            assert len(column) == batch.num_rows
            assert KINDS.get(name, "BYTES") != "INT" or column.type == pa.int64()
