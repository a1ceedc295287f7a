"""A span that Beam's workers ingest, a file each, is what one process makes of it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from evergreen.components.example_gen import reader
from evergreen.components.example_gen.ingestion import ingest
from evergreen.components.example_gen.on_beam import ingest_on_beam
from evergreen.components.example_gen.writer import Form
from evergreen.compression import Compression

OPTIONS = ["--runner=FnApiRunner"]
COLUMNS = {"id": "BYTES", "fare": "FLOAT"}
SPLITS = {"train": 3, "eval": 1, "test": 1}


def trips(name: str, rows: int) -> pa.Table:
    """Rows of which one in twenty has no number for a fare, and the last repeats a key."""
    keys = [f"{name}-{row}" for row in range(rows - 1)] + [f"{name}-0"]
    fares = ["free" if row % 20 == 7 else f"{row}.5" for row in range(rows)]
    return pa.table({"id": keys, "fare": fares})


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files: of several pieces, of one, and without a row."""
    pq.write_table(trips("a", 250), tmp_path / "part-00000.parquet")
    pacsv.write_csv(trips("b", 40), tmp_path / "part-00001.csv")
    pq.write_table(trips("c", 1)[:0], tmp_path / "part-00002.parquet")
    return sorted(tmp_path.glob("part-*"))


def contents(folder: Path) -> dict[str, list[bytes] | bytes]:
    """Every file by its path; records in their order, each with its features in order."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): content(file) for file in files}


def content(file: Path) -> list[bytes] | bytes:
    if file.suffix == ".parquet":
        return file.read_bytes()
    zipped = "GZIP" if file.suffix == ".gz" else ""
    records = tf.data.TFRecordDataset([str(file)], zipped).as_numpy_iterator()
    examples = map(tf.train.Example.FromString, records)
    return [example.SerializeToString(deterministic=True) for example in examples]


@pytest.mark.parametrize("compression", Compression)
def test_files_rows_and_refusals_are_the_same(
    tmp_path: Path, files: list[Path], compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PIECE_ROWS", 100)
    monkeypatch.setattr(reader, "BATCH_ROWS", 50)
    form = Form(COLUMNS, "id", SPLITS, compression)
    here, there = tmp_path / "here", tmp_path / "there"
    mine, repeated = ingest(files, form, here / "examples", here / "rejected")
    theirs, repeated_there = ingest_on_beam(
        files, form, there / "examples", there / "rejected", OPTIONS
    )
    assert contents(there) == contents(here)
    assert len(contents(here / "examples")) == 4 * len(SPLITS)
    assert contents(here / "rejected")
    assert theirs.report() == mine.report()
    assert mine.rows == 15
    assert repeated_there == repeated == 2


def test_without_a_row_there_is_a_file_to_read(tmp_path: Path, files: list[Path]) -> None:
    form = Form(COLUMNS, "id", SPLITS)
    empty = files[2:]
    ingest(empty, form, tmp_path / "here", tmp_path / "rejected")
    ingest_on_beam(empty, form, tmp_path / "there", tmp_path / "rejected", OPTIONS)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "here")) == len(SPLITS)
