"""A version appears whole and once, whoever else publishes and whenever a publisher dies."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from evergreen.errors import DataError
from evergreen.spans import Format, Span, list_spans, list_versions, publish_version, verify

DAY = 24 * 3600


def rows(*values: int) -> pa.Table:
    return pa.table({"id": list(values), "name": [None if v % 2 else f"n{v}" for v in values]})


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def publish_number(root: Path, value: int) -> tuple[int, str]:
    span = publish_version(root, 1, rows(value))
    return span.version, span.sha256


@pytest.mark.parametrize("fmt", list(Format))
def test_what_is_published_can_be_read_and_verified(tmp_path: Path, fmt: Format) -> None:
    span = publish_version(tmp_path, 7, rows(1, 2, 3), fmt)
    verify(span)
    assert span.path == tmp_path / "span-00007" / "version-01"
    assert [path.name for path in span.files] == [f"part-00000.{fmt}"]
    read = pq.read_table if fmt is Format.PARQUET else pacsv.read_csv
    assert read(span.files[0])["id"].to_pylist() == [1, 2, 3]
    assert (span.number, span.version, span.rows, span.format) == (7, 1, 3, fmt)
    assert [column.name for column in span.manifest.columns] == ["id", "name"]
    assert list_spans(tmp_path) == [span]


@pytest.mark.parametrize("fmt", list(Format))
def test_the_same_rows_give_the_same_bytes(tmp_path: Path, fmt: Format) -> None:
    whole = rows(*range(1000)).replace_schema_metadata({"written": "today"})
    pieces = pa.concat_tables([rows(*range(400)), rows(*range(400, 1000))])
    publish_version(tmp_path / "a", 1, whole, fmt, timestamp_column="id")
    publish_version(tmp_path / "b", 1, pieces, fmt, timestamp_column="id")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_new_content_is_a_new_version_and_known_content_the_old_one(tmp_path: Path) -> None:
    first = publish_version(tmp_path, 1, rows(1))
    before = contents(tmp_path)
    assert publish_version(tmp_path, 1, rows(1)) == first
    assert contents(tmp_path) == before
    second = publish_version(tmp_path, 1, rows(1, 2))
    assert (first.version, second.version) == (1, 2)
    assert publish_version(tmp_path, 1, rows(1)) == first
    assert list_versions(tmp_path, 1) == [first, second]
    assert list_spans(tmp_path) == [second]
    verify(first)


def test_publishers_at_the_same_time_get_a_version_each(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = pool.starmap(publish_number, [(tmp_path, value % 6) for value in range(24)], 1)
    spans = list_versions(tmp_path, 1)
    assert [span.version for span in spans] == [1, 2, 3, 4, 5, 6]
    assert set(taken) == {(span.version, span.sha256) for span in spans}
    assert [path.name for path in tmp_path.iterdir()] == ["span-00001"]


CRASHING = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    import pyarrow as pa
    from evergreen.spans import publish_version

    root, crash_event, crash_name = sys.argv[1:]

    def die(event, args):
        if event == crash_event and crash_name in str(args[0]):
            os._exit(9)

    sys.addaudithook(die)
    publish_version(Path(root), 1, pa.table({"id": [1, 2, 3]}))
    """
)


@pytest.mark.parametrize(
    ("event", "name"),
    [("open", "part-00000"), ("open", "manifest.json"), ("os.rename", "staging")],
)
def test_a_publisher_that_dies_leaves_nothing_that_is_listed(
    tmp_path: Path, event: str, name: str
) -> None:
    old = publish_version(tmp_path, 1, rows(1))
    command = [sys.executable, "-c", CRASHING, str(tmp_path), event, name]
    assert subprocess.run(command, check=False).returncode == 9
    assert list_versions(tmp_path) == [old]
    assert len(list(tmp_path.glob(".staging-*"))) == 1
    assert publish_version(tmp_path, 1, rows(2)).version == 2


def test_only_abandoned_staging_folders_are_removed(tmp_path: Path) -> None:
    abandoned, in_use = tmp_path / ".staging-old", tmp_path / ".staging-new"
    abandoned.mkdir()
    in_use.mkdir()
    then = abandoned.stat().st_mtime - 2 * DAY
    os.utime(abandoned, (then, then))
    publish_version(tmp_path, 1, rows(1))
    assert in_use.exists()
    assert not abandoned.exists()


def test_an_unfinished_version_keeps_its_number(tmp_path: Path) -> None:
    (tmp_path / "span-00001" / "version-01").mkdir(parents=True)
    span: Span = publish_version(tmp_path, 1, rows(1))
    assert span.version == 2


@pytest.mark.parametrize("number", [0, -1, 100_000])
def test_numbers_outside_of_the_folder_scheme_are_refused(tmp_path: Path, number: int) -> None:
    with pytest.raises(DataError, match=f"span number {number} is out of range"):
        publish_version(tmp_path / "root", number, rows(1))
    assert not (tmp_path / "root").exists()


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="span 1 has no rows"):
        publish_version(tmp_path / "root", 1, rows())
    assert not (tmp_path / "root").exists()
