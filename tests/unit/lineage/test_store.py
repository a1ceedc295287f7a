"""The store is an SQLite file that readers and a writer share; nothing else is touched."""

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.lineage.records import RunRecords
from tests.unit.lineage.making import make_record, make_store


def open_in_a_process(file: Path) -> int:
    return len(make_store(file).get_contexts())


def test_a_new_store_is_in_write_ahead_log_mode(tmp_path: Path) -> None:
    make_store(tmp_path / "new" / "metadata.sqlite")
    with closing(sqlite3.connect(tmp_path / "new" / "metadata.sqlite")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_store_keeps_what_is_in_it(tmp_path: Path) -> None:
    record = make_record("one")
    RunRecords(make_store(tmp_path / "m.sqlite")).create(record)
    assert RunRecords(make_store(tmp_path / "m.sqlite")).get("one") == record


def test_a_reader_is_not_blocked_by_a_writer(tmp_path: Path, store: MetadataStore) -> None:
    records = RunRecords(store)
    records.create(make_record("one"))
    with closing(sqlite3.connect(tmp_path / "metadata.sqlite")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert records.get("one").run_id == "one"


def test_processes_that_open_a_new_store_at_the_same_time_all_get_it(tmp_path: Path) -> None:
    files = [tmp_path / f"{index}.sqlite" for index in range(10) for _ in range(3)]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(open_in_a_process, files, chunksize=1) == [0] * len(files)


@pytest.mark.parametrize("content", [b"a note", b"x" * 5000, b"SQLite format 3\0" + b"x" * 4000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(content)
    with pytest.raises(EvergreenError, match=str(file)):
        make_store(file)
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["folder", "file/metadata.sqlite"])
def test_a_path_that_cannot_be_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(EvergreenError, match=name):
        make_store(tmp_path / name)
