"""Columnar ingestion and TFX's CsvExampleGen make the same examples of the same file."""

from pathlib import Path

import pytest

from data.taxi import KEY_COLUMN
from data.taxi.source import sample_path
from evergreen.components.example_gen.ingesting import ingest
from evergreen.components.example_gen.writing import Form
from evergreen.spans import land
from tests.unit.components.data_gate.gating import column_types
from tests.unit.components.rows import Row, read_rows
from tests.unit.components.stock import stock_rows

KINDS = {"id": "BYTES", "fare": "FLOAT", "hour": "INT", "company": "BYTES"}
BOM, TRIPS = "a byte-order mark", "the real trips"
HOSTILE = {
    "quotes": b'id,fare,company\nk1,1.5,"say ""hi"", ok"\nk2,2,"a,b"\n',
    "newlines in fields": b'id,company\nk1,"two\nlines"\nk2,"three\n\nlines"\nk3,x\n',
    "CRLF": b'id,fare,company\r\nk1,1.5,a\r\nk2,2.5,"b\r\nc"\r\n',
    "empty fields": b'id,fare,hour,company\nk1,,,\nk2,1.5,7,""\nk3,,8,x\n',
    "a column without a value": b"id,hour\nk1,\nk2,\n",
    "huge integers": b"id,hour\nk1,9223372036854775807\nk2,-9223372036854775808\nk3,"
    b"9007199254740993\n",
    "notations of numbers": b"id,fare,hour\nk1,1e3,007\nk2, .5 ,+3\nk3,-0.0,-1\nk4,3.4e38,0\n",
    "Unicode": "id,company\nk1,café €\nk2,日本\nk3,🚕\u2028x\n".encode(),
    "spaces": b"id,company\nk1, x \nk2,\ty\n",
    "no line end at the end": b"id,fare\nk1,1.5\nk2,2.5",
    "blank lines": b"id,fare\nk1,1.5\n\nk2,2.5\n\n",
    BOM: b"\xef\xbb\xbfid,fare\nk1,1.5\n",
}


def ours(csv: Path, folder: Path, kinds: dict[str, str], key: str) -> list[Row]:
    rejections, _ = ingest([csv], Form(kinds, key, {"all": 1}), folder, folder / "rejected")
    assert rejections.rows == 0
    return read_rows(*sorted((folder / "Split-all").iterdir()))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("csv")
    written = {name: folder / str(number) / "a.csv" for number, name in enumerate(HOSTILE)}
    for name, file in written.items():
        file.parent.mkdir()
        file.write_bytes(HOSTILE[name])
    [landed] = land(folder / "spans", sample_path(), 1, key_column=KEY_COLUMN).files
    header, rows = landed.read_bytes().split(b"\n", 1)
    trips = folder / "trips.csv"
    trips.write_bytes(header.replace(b'"', b"") + b"\n" + rows)  # stock takes quotes for its names'
    return written | {TRIPS: trips}


@pytest.fixture(scope="module")
def stock(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """By file; a feature of no values, which is a missing one to any parser, is left out."""
    found = stock_rows(files, tmp_path_factory.mktemp("stock"))
    return {
        file: [{name: values for name, values in row.items() if values} for row in rows]
        for file, rows in found.items()
    }


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != BOM])
def test_of_a_hostile_file(
    name: str, files: dict[str, Path], stock: dict[str, list[Row]], tmp_path: Path
) -> None:
    rows = ours(files[name], tmp_path, KINDS, "id")
    assert len(rows) > 1
    assert rows == stock[name]


def test_only_ours_takes_a_byte_order_mark_for_no_part_of_a_name(
    files: dict[str, Path], stock: dict[str, list[Row]], tmp_path: Path
) -> None:
    assert ours(files[BOM], tmp_path, KINDS, "id") == [{"id": [b"k1"], "fare": [1.5]}]
    assert stock[BOM] == [{"\ufeffid": [b"k1"], "fare": [1.5]}]


def test_of_the_real_trips(
    files: dict[str, Path], stock: dict[str, list[Row]], tmp_path: Path
) -> None:
    rows = ours(files[TRIPS], tmp_path, column_types(), KEY_COLUMN)
    assert len(rows) == 15_002
    by_key = {row[KEY_COLUMN][0]: row for row in stock[TRIPS]}
    assert {row[KEY_COLUMN][0]: row for row in rows} == by_key
