"""A span's files become split examples: every good row once, in the split of its key."""

import random
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from evergreen.components.example_gen import reader
from evergreen.components.example_gen.ingestion import ingest
from evergreen.components.example_gen.splits import Distinct, assign_splits, fingerprints
from evergreen.components.example_gen.writer import Form
from evergreen.compression import Compression
from evergreen.tf_examples import read_records
from tests.unit.components.rows import Row, as_row, read_rows, read_split

SPLITS = {"train": 3, "eval": 1, "test": 1}
KINDS = {"id": "BYTES", "fare": "FLOAT", "hour": "INT", "company": "BYTES", "gone": "INT"}


def run(folder: Path, *files: Path, kinds: dict[str, str] = KINDS) -> tuple[dict, dict]:
    """Ingests files; returns the rows of each split, and the report of the refused ones."""
    rejections, _ = ingest(files, Form(kinds, "id", SPLITS), folder, folder / "rejected")
    return {split: read_split(folder, split) for split in SPLITS}, rejections.report()


def test_tokens_stand_for_missing_values_in_every_format(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b", "c"], "fare": ["NA", "", "1.5"], "company": ["-", "NA", ""]})
    form = Form(KINDS, "id", SPLITS, missing=["NA", "-"])
    for file in (
        as_csv(table, tmp_path / "part.csv"),
        as_parquet(table, tmp_path / "part.parquet"),
    ):
        folder = tmp_path / f"as{file.suffix}"
        rejections, _ = ingest([file], form, folder, folder / "rejected")
        rows = [row for split in SPLITS for row in read_split(folder, split)]
        assert sorted(rows, key=lambda row: row["id"]) == [
            {"id": [b"a"]}, {"id": [b"b"]}, {"id": [b"c"], "fare": [1.5]},
        ]  # fmt: skip
        assert not rejections.rows


NUMBERS = [100_000 + at for at in range(50)]


@pytest.mark.parametrize(
    "keys",
    [
        pa.array(NUMBERS),
        pa.array(NUMBERS, pa.int32()),
        pa.array(list(map(float, NUMBERS))),
        pa.array(list(map(Decimal, NUMBERS)), pa.decimal128(38, 0)),
        pa.array(list(map(Decimal, NUMBERS)), pa.decimal128(38, 9)),
        pa.array([f"{number}.0" for number in NUMBERS]),
        pa.array(list(map(str, NUMBERS)), pa.large_string()),
        pa.array(list(map(str, NUMBERS))).dictionary_encode(),
    ],
    ids=lambda keys: str(keys.type),
)
@pytest.mark.parametrize("kind", ["BYTES", "INT"])
def test_a_row_keeps_its_split_whatever_the_type_of_its_key(
    tmp_path: Path, keys: pa.Array, kind: str
) -> None:
    assigned = {}
    for name, column in (("text", pa.array(list(map(str, NUMBERS)))), ("typed", keys)):
        table = pa.table({"id": column, "hour": pa.array(range(50))})
        file = as_parquet(table, tmp_path / f"{name}.parquet")
        splits, report = run(tmp_path / name, file, kinds=KINDS | {"id": kind})
        assert report["rows"] == 0
        assigned[name] = {split: [row["hour"] for row in rows] for split, rows in splits.items()}
    assert assigned["typed"] == assigned["text"]


def test_a_key_of_16_bytes_is_a_uuid(tmp_path: Path) -> None:
    uuids = [UUID(int=(at << 100) | (1 << 63)) for at in range(20)]
    binary = pa.table({"id": pa.array([uuid.bytes for uuid in uuids], pa.binary(16))})
    text = pa.table({"id": [str(uuid) for uuid in uuids]})
    rows, report = run(tmp_path / "a", as_parquet(binary, tmp_path / "a.parquet"))
    assert report["rows"] == 0
    assert rows == run(tmp_path / "b", as_csv(text, tmp_path / "b.csv"))[0]


def run_csv(tmp_path: Path, data: bytes, kinds: dict[str, str] = KINDS) -> tuple[list[Row], dict]:
    file = tmp_path / "part-00000.csv"
    file.write_bytes(data)
    splits, report = run(tmp_path / "examples", file, kinds=kinds)
    rows = [row for split in splits.values() for row in split]
    return sorted(rows, key=lambda row: row["id"]), report


@pytest.fixture(scope="module")
def trips() -> pa.Table:
    """500 rows with missing values, and with text that CSV has to quote."""
    draw = random.Random(1)
    text = ["Blue, Inc.", 'say "hi"', "two\nlines", "café €", " kept ", None]
    return pa.table(
        {
            "id": [f"{draw.getrandbits(128):032x}" for _ in range(500)],
            "fare": [draw.choice([None, draw.uniform(0, 99)]) for _ in range(500)],
            "hour": pa.array([draw.choice([None, draw.randrange(24)]) for _ in range(500)]),
            "company": [draw.choice(text) for _ in range(500)],
        }
    )


def as_csv(table: pa.Table, file: Path) -> Path:
    pacsv.write_csv(table, file)
    return file


def as_parquet(table: pa.Table, file: Path) -> Path:
    pq.write_table(table, file, row_group_size=100)
    return file


def test_csv_and_parquet_of_the_same_rows_give_the_same_examples(
    tmp_path: Path, trips: pa.Table
) -> None:
    csv, refused = run(tmp_path / "a", as_csv(trips, tmp_path / "part.csv"))
    parquet, _ = run(tmp_path / "b", as_parquet(trips, tmp_path / "part.parquet"))
    assert csv == parquet
    assert sum(len(rows) for rows in csv.values()) == trips.num_rows
    assert refused == {"rows": 0, "reasons": []}
    first = trips.slice(0, 1).to_pylist()[0]
    [written] = [
        row for rows in csv.values() for row in rows if row["id"] == [first["id"].encode()]
    ]
    assert written == {
        name: [value.encode() if isinstance(value, str) else pytest.approx(value)]
        for name, value in first.items()
        if value is not None
    }


def test_order_and_number_of_files_move_no_row_to_another_split(
    tmp_path: Path, trips: pa.Table
) -> None:
    shuffled = trips.take(np.random.default_rng(1).permutation(trips.num_rows))
    first = as_parquet(shuffled.slice(0, 123), tmp_path / "one.parquet")
    two = as_csv(shuffled.slice(123), tmp_path / "two.csv")
    whole, _ = run(tmp_path / "a", as_csv(trips, tmp_path / "part.csv"))
    pieces, _ = run(tmp_path / "b", first, two)
    for split in SPLITS:
        ids = [sorted(row["id"] for row in rows[split]) for rows in (whole, pieces)]
        assert ids[0] == ids[1]


def test_a_key_is_in_the_split_of_its_fingerprint() -> None:
    # From BigQuery's description of FARM_FINGERPRINT.
    published = {
        "1footrue": -1541654101129638711,
        "2applefalse": 2794438866806483259,
        "3true": -4880158226897771312,
    }
    hashes = fingerprints(pa.array([key.encode() for key in published]))
    assert hashes.tolist() == [value % 2**64 for value in published.values()]
    buckets = assign_splits(hashes, {f"bucket-{index}": 1 for index in range(97)})
    assert buckets.tolist() == [value % 2**64 % 97 for value in published.values()]


def test_splits_have_the_sizes_of_their_buckets() -> None:
    hashes = fingerprints(pa.array([f"key-{index}".encode() for index in range(20_000)]))
    shares = np.bincount(assign_splits(hashes, SPLITS)) / len(hashes)
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.015)


HOSTILE = (
    b'\xef\xbb\xbfid,fare,"a ""b"",c",company\r\n'
    b'k1,1e1,"say ""hi"", ok",\r\n'
    b'k2,,"two\r\nlines",Blue\r\n'
    b"\r\n"
    b"k3, 007 ,,\xe2\x82\xac\r\n"
    b'k4,"5",caf\xc3\xa9," x "'
)


def test_a_hostile_csv_is_read_to_the_letter(tmp_path: Path) -> None:
    rows, report = run_csv(tmp_path, HOSTILE)
    assert report["rows"] == 0
    assert rows == [
        {"id": [b"k1"], "fare": [10.0], 'a "b",c': [b'say "hi", ok']},
        {"id": [b"k2"], 'a "b",c': [b"two\r\nlines"], "company": [b"Blue"]},
        {"id": [b"k3"], "fare": [7.0], "company": ["€".encode()]},
        {"id": [b"k4"], "fare": [5.0], 'a "b",c': ["café".encode()], "company": [b" x "]},
    ]


def test_columns_that_the_schema_does_not_know_pass_and_missing_ones_are_absent(
    tmp_path: Path,
) -> None:
    rows, _ = run_csv(tmp_path, b"id,hour,colour\nk1,7,red\n")
    assert rows == [{"id": [b"k1"], "hour": [7], "colour": [b"red"]}]


def test_rows_that_do_not_fit_are_left_out_and_reported_with_their_places(tmp_path: Path) -> None:
    rows, report = run_csv(tmp_path, b"id,fare,hour\nk1,1,2\nk2,abc,1.5\nk3,1,x\n,3,4\nk5,,\n")
    assert [row["id"] for row in rows] == [[b"k1"], [b"k5"]]
    assert report["rows"] == 3

    def place(row: int, value: str) -> dict:
        return {"file": "part-00000.csv", "row": row, "value": value}

    assert {
        (reason["column"], reason["reason"]): reason["examples"] for reason in report["reasons"]
    } == {
        ("fare", "is not a number"): [place(2, "abc")],
        ("hour", "is not a whole number"): [place(2, "1.5"), place(3, "x")],
        ("id", "is missing, and is the row's key"): [place(4, "")],
    }


def test_of_many_rows_that_do_not_fit_all_are_counted_and_some_are_shown(tmp_path: Path) -> None:
    lines = "".join(f"k{index},x\n" for index in range(100))
    rows, report = run_csv(tmp_path, f"id,fare\n{lines}".encode())
    [reason] = report["reasons"]
    assert not rows
    assert report["rows"] == reason["count"] == 100
    assert 0 < len(reason["examples"]) < 50


def test_without_the_key_column_every_row_is_refused(tmp_path: Path) -> None:
    rows, report = run_csv(tmp_path, b"fare\n1\n2\n")
    assert not rows
    assert report["rows"] == 2


def test_rows_are_counted_on_over_the_batches_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 100)
    fares = ["1"] * 250
    fares[240] = "x"
    table = pa.table({"id": [str(index) for index in range(250)], "fare": fares})
    _, report = run(tmp_path / "examples", as_parquet(table, tmp_path / "part.parquet"))
    assert report["reasons"][0]["examples"][0]["row"] == 241


def test_numbers_as_keys_are_in_the_same_split_in_every_format(tmp_path: Path) -> None:
    table = pa.table({"id": list(range(50)), "fare": [1.0] * 50})
    csv, _ = run(tmp_path / "a", as_csv(table, tmp_path / "part.csv"), kinds={})
    parquet, _ = run(tmp_path / "b", as_parquet(table, tmp_path / "part.parquet"), kinds={})
    for split in SPLITS:
        assert [int(row["id"][0]) for row in csv[split]] == [
            int(row["id"][0]) for row in parquet[split]
        ]


def test_a_row_as_long_as_one_that_can_be_landed_can_be_ingested(tmp_path: Path) -> None:
    text = b"x" * (9 << 20)
    rows, _ = run_csv(tmp_path, b"id,company\nk1," + text + b"\n")
    assert rows == [{"id": [b"k1"], "company": [text]}]


def test_keys_that_repeat_are_counted() -> None:
    with Distinct() as keys:
        keys.add(fingerprints(pa.array([b"a", b"b", b"a"])))
        keys.add(fingerprints(pa.array([b"b", b"c"])))
        keys.add(np.array([0, 2**64 - 1, 0, 2**64 - 1], np.uint64))
        assert keys.repeated() == 4


@pytest.mark.parametrize("key", [b"\xff", b"a\0b"])
def test_a_key_that_no_hash_takes_is_refused_with_its_row(tmp_path: Path, key: bytes) -> None:
    table = pa.table({"id": [b"k1", key], "fare": [1.0, 2.0]})
    splits, report = run(tmp_path / "examples", as_parquet(table, tmp_path / "part.parquet"))
    assert [row["id"] for rows in splits.values() for row in rows] == [[b"k1"]]
    [reason] = report["reasons"]
    assert (reason["column"], reason["examples"][0]["row"]) == ("id", 2)


def contents(folder: Path) -> dict[str, list[Row]]:
    """The rows of each file; their bytes may differ, as features of an example have no order."""
    files = sorted(folder.glob("Split-*/*"))
    return {str(file.relative_to(folder)): read_rows(file) for file in files}


def test_any_number_of_processes_writes_the_same_files(
    tmp_path: Path, trips: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PIECE_ROWS", 150)
    monkeypatch.setattr(reader, "BATCH_ROWS", 100)
    fares = pa.array(["x" if index % 100 == 7 else "1" for index in range(trips.num_rows)])
    table = trips.set_column(1, "fare", fares)
    files = [
        as_csv(table, tmp_path / "a.csv"),
        as_parquet(table.slice(0, 450), tmp_path / "b.parquet"),
    ]
    found = {}
    for workers in (1, 2):
        form, target = Form(KINDS, "id", SPLITS), tmp_path / str(workers)
        rejections, repeated = ingest(files, form, target, target / "rejected", workers)
        aside = pq.read_table(target / "rejected").to_pylist()
        found[workers] = contents(target), aside, rejections.report(), repeated
    assert found[1] == found[2]
    written, aside, report, repeated = found[2]
    assert (report["rows"], len(aside), repeated) == (5 + 5, 5 + 5, 450 - 5)
    names = {name for name in written if name.startswith("Split-train/")}
    assert names == {f"Split-train/data_tfrecord-{n:05d}-of-00004" for n in range(4)}


def test_refused_rows_are_written_aside_as_they_were_read_with_the_reason(tmp_path: Path) -> None:
    run_csv(tmp_path, b"id,fare,hour\nk1,1,2\nk2,abc,1.5\n,3,4\n")
    [file] = (tmp_path / "examples/rejected").iterdir()
    assert pq.read_table(file).to_pylist() == [
        {
            "id": "k2",
            "fare": "abc",
            "hour": "1.5",
            "rejected_file": "part-00000.csv",
            "rejected_row": 2,
            "rejected_because": "fare is not a number; hour is not a whole number",
        },
        {
            "id": None,
            "fare": "3",
            "hour": "4",
            "rejected_file": "part-00000.csv",
            "rejected_row": 3,
            "rejected_because": "id is missing, and is the row's key",
        },
    ]


def test_nothing_is_written_aside_if_all_rows_fit(tmp_path: Path) -> None:
    run_csv(tmp_path, b"id,fare\nk1,1\n")
    assert not (tmp_path / "examples/rejected").exists()


def test_gzipped_examples_are_the_same_and_smaller(tmp_path: Path, trips: pa.Table) -> None:
    file, size, records = as_parquet(trips, tmp_path / "part.parquet"), {}, {}
    for compression in Compression:
        form, target = Form(KINDS, "id", SPLITS, compression), tmp_path / compression
        ingest([file], form, target, target / "rejected")
        folders = [target / f"Split-{name}" for name in SPLITS]
        [path] = folders[0].iterdir()
        size[compression] = path.stat().st_size
        batches = read_records(folders, rows=64)
        records[compression] = [[as_row(record) for record in batch] for batch in batches]
    assert records["none"] == records["gzip"]
    assert sum(map(len, records["none"])) == trips.num_rows
    assert size["gzip"] < size["none"] / 2


def test_from_where_a_row_is_longer_than_a_block_larger_ones_are_read(tmp_path: Path) -> None:
    lines = [f"k{index},{'x' * 100}\n".encode() for index in range(120_000)]
    lines[100_000] = b"long," + b"y" * (9 << 20) + b"\n"
    rows, _ = run_csv(tmp_path, b"id,company\n" + b"".join(lines))
    assert len({row["id"][0] for row in rows}) == len(rows) == len(lines)
