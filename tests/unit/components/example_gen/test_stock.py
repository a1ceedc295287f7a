"""Columnar ingestion and TFX's CsvExampleGen make the same examples of the same file."""

from pathlib import Path

import pytest

from data.taxi import KEY_COLUMN
from data.taxi.source import sample_path
from evergreen.components.example_gen.ingestion import ingest
from evergreen.components.example_gen.writer import Form
from evergreen.spans import land
from tests.unit.components.data_gate.gating import column_types
from tests.unit.components.rows import Row, read_rows
from tests.unit.components.stock import stock_rows

KINDS = {"id": "BYTES", "fare": "FLOAT", "hour": "INT", "company": "BYTES"}
BOM, TRIPS = "a byte-order mark", "the real trips"
# Few files, since it is Beam's graph that takes time; a row for each hostility, named by its key.
ROWS = (
    "id,fare,hour,company,never\n"
    'quotes,1.5,1,"say ""hi"", ok",\n'
    'comma,2,2,"a,b",\n'
    'newline,3,3,"two\nlines",\n'
    'two newlines,4,4,"three\n\nlines",\n'
    "empty,,,,\n"
    'quoted empty,5,5,"",\n'
    "largest,6,9223372036854775807,x,\n"
    "smallest,7,-9223372036854775808,x,\n"
    "beyond float64,8,9007199254740993,x,\n"
    "\n"
    "exponent,1e3,007,x,\n"
    "sign, .5 ,+3,x,\n"
    "negative zero,-0.0,-1,x,\n"
    "café €,3.4e38,0,日本,\n"
    "line separator,1,1,🚕\u2028x,\n"
    "spaces,1,1, x ,\n"
    "tab,1,1,\ty,\n"
    "no line end,1,1,x,"
)
HOSTILE = {
    "LF": ROWS.encode(),
    "CRLF": ROWS.replace("\n", "\r\n").encode(),
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
    assert len(rows) == 17
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
